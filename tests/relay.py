"""A network between a server and a database, which can be cut in the ways in which networks are."""

import asyncio
import contextlib
import select
import socket
import ssl
import threading
import time

STEP = 0.02


class Relay:
    """Passes connections on to a port, or to the socket with this path. `mode` is what happens to bytes and to new connections:

    pass: they go on; refuse: connections are closed; hang: no byte arrives, either way, and nobody is told. Bytes that were under
    way arrive when it ends, as after lost packets.
    """

    def __init__(self, to: int | str):
        self.to = to
        self.mode = "pass"
        # Of each piece that is passed on, either way.
        self.delay_s = 0.0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.ended = False
        threading.Thread(target=self._accept, daemon=True).start()

    def set(self, mode: str, delay_s: float = 0.0) -> None:
        self.mode, self.delay_s = mode, delay_s

    def close(self) -> None:
        self.ended = True
        self.listener.close()

    def _accept(self) -> None:
        while not self.ended:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._connect, args=(client,), daemon=True).start()

    def _connect(self, client: socket.socket) -> None:
        while self.mode == "hang" and not self.ended:
            time.sleep(STEP)
        with client:
            if self.mode != "pass":
                return
            try:
                server = self._dial()
            except OSError:
                return
            with server:
                self._pass_on(client, server)

    def _dial(self) -> socket.socket:
        if isinstance(self.to, int):
            return socket.create_connection(("127.0.0.1", self.to))
        server = socket.socket(socket.AF_UNIX)
        server.connect(self.to)
        return server

    def _pass_on(self, client: socket.socket, server: socket.socket) -> None:
        other = {client: server, server: client}
        try:
            while not self.ended and self.mode != "refuse":
                if self.mode == "hang":
                    time.sleep(STEP)
                    continue
                for source in select.select([client, server], [], [], STEP)[0]:
                    piece = source.recv(1 << 16)
                    if not piece:
                        return
                    time.sleep(self.delay_s)
                    while self.mode == "hang" and not self.ended:
                        time.sleep(STEP)
                    other[source].sendall(piece)
        except OSError:
            return


class EncryptedRelay:
    """Takes encrypted connections to `localhost` and passes what they bring on to a port."""

    def __init__(self, to: int, context: ssl.SSLContext):
        self.to = to
        self.loop = asyncio.new_event_loop()
        threading.Thread(target=self.loop.run_forever, daemon=True).start()
        listening = asyncio.start_server(self._connect, "127.0.0.1", 0, ssl=context)
        self.server = asyncio.run_coroutine_threadsafe(listening, self.loop).result(30)
        self.port = self.server.sockets[0].getsockname()[1]
        self.connections = 0

    def close(self) -> None:
        self.loop.call_soon_threadsafe(self.loop.stop)

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        to_reader, to_writer = await asyncio.open_connection("127.0.0.1", self.to)
        with contextlib.suppress(OSError):
            await asyncio.gather(pass_on(reader, to_writer), pass_on(to_reader, writer))


async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while piece := await reader.read(1 << 16):
            writer.write(piece)
            await writer.drain()
    finally:
        writer.close()
