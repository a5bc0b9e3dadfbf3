"""A ClickHouse server for tests: chdb's engine with its own HTTP and native ports, as a host of a cluster. `config.xml` of
the folder is its configuration, from which it reads ports, macros, clusters and the address of Keeper. Ends when its
standard input does.

    node.py FOLDER
"""

import ctypes
import os
import sys
from pathlib import Path

import chdb

# Of the version that ../clickhouse_front/requirements.txt names, in its library: functions that return the address where
# other replicas fetch parts, and the name and password for it.
ADDRESS = (0x147217C0, "4156534883ec484c8b36490fbe8e67010000")
CREDENTIALS = (0x14721740, "4157415653 4c8b3f 498d9f88010000".replace(" ", ""))


def replace(base, function, code):
    """Puts code in the place of a function whose beginning is known."""
    place, expected = base + function[0], bytes.fromhex(function[1])
    found = ctypes.string_at(place, len(expected))
    if found != expected:
        raise SystemExit(f"chdb has another version than this script is made for: {found.hex()} at {function[0]:x}")
    page, all_rights, usual_rights = place & ~4095, 7, 5
    libc = ctypes.CDLL(None)
    for rights in (all_rights, usual_rights):
        if libc.mprotect(ctypes.c_void_p(page), ctypes.c_size_t(8192), rights) != 0:
            raise SystemExit("the engine's code can't be changed")
        if rights == all_rights:
            ctypes.memmove(place, code, len(code))


def give_address():
    """TRICKY: a replicated table takes no rows before it knows its host's address for other replicas. The server program
    sets that at its start; the library never does, and has no setting for it. Nothing answers there, so a shard of
    these tests has one replica.
    """
    maps = Path("/proc/self/maps").read_text().splitlines()
    base = next(int(line.split("-")[0], 16) for line in maps if line.endswith("/_chdb.abi3.so"))
    host, port = b"127.0.0.1", 1
    text = host.ljust(23, b"\0") + bytes([len(host)])
    code = bytes.fromhex("4889f8")  # mov rax, rdi
    for place in range(0, 24, 8):  # mov rcx, ...; mov [rdi + place], rcx
        code += bytes.fromhex("48b9") + text[place : place + 8] + bytes.fromhex("48894f") + bytes([place])
    code += bytes.fromhex("66c74718") + port.to_bytes(2, "little") + bytes.fromhex("c3")  # mov word [rdi + 24]; ret
    replace(base, ADDRESS, code)
    global nobody
    nobody = ctypes.create_string_buffer(256)  # two empty texts
    code = bytes.fromhex("48b8") + ctypes.addressof(nobody).to_bytes(8, "little") + bytes.fromhex("31d2c3")
    replace(base, CREDENTIALS, code)


def main():
    folder = Path(sys.argv[1])
    os.chdir(folder)
    give_address()
    statements = "SYSTEM START LISTEN TCP; SYSTEM START LISTEN HTTP; SELECT count() FROM file('/dev/stdin', 'LineAsString')"
    chdb._chdb.query(statements, "CSV", path=str(folder / "data"))
    os._exit(0)


main()
