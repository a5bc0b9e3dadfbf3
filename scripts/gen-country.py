"""Writes a country database in MaxMind's .mmdb format from the ranges that Debian's package tor-geoipdb holds.

Usage: gen-country.py GEOIP GEOIP6 OUTPUT

The ranges are IPFire's (https://location.ipfire.org/, CC BY-SA 4.0), lines of `first,last,CC`. The format is that of
https://maxmind.github.io/MaxMind-DB/, with a record per country. Equal subtrees are written once, which readers do not
notice and which makes the file smaller. The same input gives the same bytes: the build time is the input's.
"""

import bisect
import email.utils
import ipaddress
import re
import sys

NOTHING = -1
DATABASE_TYPE = "IPFire-Country"


def main(geoip, geoip6, output):
    made4, ranges4 = read_ranges(geoip, lambda text: int(text))
    made6, ranges6 = read_ranges(geoip6, lambda text: int(ipaddress.IPv6Address(text)))
    if made4 != made6:
        sys.exit(f"{geoip} and {geoip6} were not made at the same time")
    # IPv4 addresses live in ::/96 of an IPv6 tree.
    ranges = sorted(ranges4 + [r for r in ranges6 if r[0] >= 1 << 32])
    countries = sorted({country for _, _, country in ranges})
    tree = Tree(ranges, {country: number for number, country in enumerate(countries)})
    data = encode_file(tree, countries, made4)
    with open(output, "wb") as file:
        file.write(data)
    print(f"{output}: {len(ranges)} ranges, {len(countries)} countries, {len(tree.nodes)} nodes, {len(data)} bytes")


def read_ranges(path, to_number):
    made, ranges = None, []
    with open(path, encoding="ascii") as file:
        for line in file:
            if line.startswith("#"):
                if found := re.match(r"# Generated: (.*)", line):
                    made = int(email.utils.parsedate_to_datetime(found[1].strip()).timestamp())
                continue
            first, last, country = line.strip().split(",")
            # "??" is unknown.
            if re.fullmatch("[A-Z]{2}", country):
                ranges.append((to_number(first), to_number(last), country))
    if made is None or not ranges:
        sys.exit(f"{path} does not look like a file of tor-geoipdb")
    return made, ranges


class Tree:
    """A binary tree over 128 bits. A link is a node's number, `~country` for a leaf shifted by one, or `NOTHING`."""

    def __init__(self, ranges, numbers):
        self.firsts = [first for first, _, _ in ranges]
        self.lasts = [last for _, last, _ in ranges]
        self.leaves = [-2 - numbers[country] for _, _, country in ranges]
        self.nodes = []
        self.known = {}
        self.root = self.build(0, 128)

    def build(self, start, bits):
        end = start + (1 << bits) - 1
        at = bisect.bisect_left(self.lasts, start)
        if at == len(self.lasts) or self.firsts[at] > end:
            return NOTHING
        if self.firsts[at] <= start and self.lasts[at] >= end:
            return self.leaves[at]
        left = self.build(start, bits - 1)
        right = self.build(start + (1 << (bits - 1)), bits - 1)
        if left == right and left < 0:
            return left
        node = (left, right)
        if node not in self.known:
            self.known[node] = len(self.nodes)
            self.nodes.append(node)
        return self.known[node]

    def in_reading_order(self):
        """The nodes renumbered so that the root is the first, as the format wants it, and parents precede children."""
        count = len(self.nodes)
        # A node is made after its children: turning the order round puts parents first.
        turn = lambda link: count - 1 - link if link >= 0 else link
        return [(turn(left), turn(right)) for left, right in reversed(self.nodes)]


def encode_file(tree, countries, made):
    if tree.root != len(tree.nodes) - 1:
        sys.exit("the root is not the last node that was made")
    data, offsets = b"", []
    for country in countries:
        offsets.append(len(data))
        data += encode({"country": {"iso_code": country}})
    count = len(tree.nodes)
    if count + 16 + len(data) >= 1 << 24:
        sys.exit("too many nodes for records of 24 bits")

    def record(link):
        if link == NOTHING:
            return count
        return link if link >= 0 else count + 16 + offsets[-2 - link]

    search = bytearray()
    for left, right in tree.in_reading_order():
        search += record(left).to_bytes(3, "big") + record(right).to_bytes(3, "big")
    metadata = {
        "binary_format_major_version": ("uint16", 2),
        "binary_format_minor_version": ("uint16", 0),
        "build_epoch": ("uint64", made),
        "database_type": DATABASE_TYPE,
        "description": {"en": "IPFire location database, countries, CC BY-SA 4.0, https://location.ipfire.org/"},
        "ip_version": ("uint16", 6),
        "languages": ["en"],
        "node_count": ("uint32", count),
        "record_size": ("uint16", 24),
    }
    return bytes(search) + bytes(16) + data + b"\xab\xcd\xefMaxMind.com" + encode(metadata)


def encode(value):
    """A value of the data section: text, a map, a list, or ("uintN", number)."""
    if isinstance(value, str):
        text = value.encode()
        return control(2, len(text)) + text
    if isinstance(value, dict):
        return control(7, len(value)) + b"".join(encode(key) + encode(of) for key, of in value.items())
    if isinstance(value, list):
        return control(11, len(value)) + b"".join(encode(item) for item in value)
    kind, number = value
    digits = number.to_bytes((number.bit_length() + 7) // 8, "big")
    return control({"uint16": 5, "uint32": 6, "uint64": 9}[kind], len(digits)) + digits


def control(kind, size):
    head, tail = (kind << 5, b"") if kind < 8 else (0, bytes([kind - 7]))
    if size < 29:
        return bytes([head | size]) + tail
    if size < 29 + 256:
        return bytes([head | 29]) + tail + bytes([size - 29])
    sys.exit("a value is too long")


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    main(*sys.argv[1:])
