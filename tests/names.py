"""A name server of our own, by which every name has the same IPv4 address."""

import socket
import socketserver
import struct
import threading

from server import free_port


class NameServer:
    """Answers on a free port of 127.0.0.1, by UDP and by TCP, until `stop`."""

    def __init__(self, answer: str):
        address = socket.inet_aton(answer)

        class Datagram(socketserver.BaseRequestHandler):
            def handle(self):
                query, sender = self.request
                sender.sendto(reply(query, address), self.client_address)

        class Stream(socketserver.StreamRequestHandler):
            def handle(self):
                while head := self.rfile.read(2):
                    answer = reply(self.rfile.read(struct.unpack("!H", head)[0]), address)
                    self.wfile.write(struct.pack("!H", len(answer)) + answer)

        # Not a port of the kernel's choice: by UDP it may be taken, though it is free by TCP.
        address_of_both = ("127.0.0.1", free_port())
        stream = socketserver.ThreadingTCPServer(address_of_both, Stream)
        stream.daemon_threads = True
        self.address = f"127.0.0.1:{stream.server_address[1]}"
        self.servers = [stream, socketserver.UDPServer(address_of_both, Datagram)]
        for server in self.servers:
            threading.Thread(target=server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        for server in self.servers:
            server.shutdown()
            server.server_close()


def reply(query: bytes, address: bytes) -> bytes:
    end = query.index(b"\0", 12) + 5
    asks_ipv4 = query[end - 4 : end - 2] == b"\0\x01"
    answer = b"\xc0\x0c" + struct.pack("!HHIH", 1, 1, 0, 4) + address
    head = query[:2] + struct.pack("!HHHHH", 0x8180, 1, int(asks_ipv4), 0, 0)
    return head + query[12:end] + (answer if asks_ipv4 else b"")
