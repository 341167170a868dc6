"""Writes a model in the ONNX format, which is a Protocol Buffers message.

Only the fields that the embedding model needs are known here. The same graph always gives the same bytes, so that
the file has a known hash.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

# Kinds of numbers.
FLOAT, INT8, INT32, INT64, INT4 = 1, 3, 6, 7, 22
IR_VERSION = 10
OPSETS = {"": 21, "com.microsoft": 1}

Attribute = int | float | str | list


def varint(number: int) -> bytes:
    number &= (1 << 64) - 1
    encoded = bytearray()
    while number > 0x7F:
        encoded.append(number & 0x7F | 0x80)
        number >>= 7
    encoded.append(number)
    return bytes(encoded)


def number(key: int, value: int) -> bytes:
    return varint(key << 3) + varint(value)


def message(key: int, content: bytes | str) -> bytes:
    content = content.encode() if isinstance(content, str) else content
    return varint(key << 3 | 2) + varint(len(content)) + content


def attribute(name: str, value: Attribute) -> bytes:
    encoded = message(1, name)
    if isinstance(value, float):
        return encoded + varint(2 << 3 | 5) + struct.pack("<f", value) + number(20, 1)
    if isinstance(value, int):
        return encoded + number(3, value) + number(20, 2)
    if isinstance(value, str):
        return encoded + message(4, value) + number(20, 3)
    return encoded + b"".join(number(8, entry) for entry in value) + number(20, 7)


def tensor(name: str, kind: int, shape: tuple[int, ...], raw: bytes) -> bytes:
    dimensions = b"".join(number(1, size) for size in shape)
    return dimensions + number(2, kind) + message(8, name) + message(9, raw)


def value_info(name: str, kind: int, shape: tuple[int | str, ...]) -> bytes:
    sizes = [number(1, size) if isinstance(size, int) else message(2, size) for size in shape]
    dimensions = b"".join(message(1, size) for size in sizes)
    return message(1, name) + message(2, message(1, number(1, kind) + message(2, dimensions)))


@dataclass
class Graph:
    """Collects the nodes and constants of a graph, in order."""

    name: str
    nodes: list[bytes] = field(default_factory=list)
    constants: list[bytes] = field(default_factory=list)

    def constant(self, name: str, kind: int, shape: tuple[int, ...], raw: bytes) -> str:
        self.constants.append(tensor(name, kind, shape, raw))
        return name

    def node(self, operator: str, inputs: list[str], outputs: list[str], domain: str = "", **attributes: Attribute) -> str:
        """Adds a node. Returns its first output."""
        encoded = b"".join(message(1, name) for name in inputs) + b"".join(message(2, name) for name in outputs)
        encoded += message(3, outputs[0]) + message(4, operator)
        encoded += b"".join(message(5, attribute(name, value)) for name, value in attributes.items())
        self.nodes.append(encoded + message(7, domain))
        return outputs[0]

    def model(self, inputs: list[bytes], outputs: list[bytes]) -> list[bytes]:
        """The parts of the file."""
        content = [message(1, node) for node in self.nodes] + [message(2, self.name)]
        content += [message(5, constant) for constant in self.constants]
        content += [message(11, each) for each in inputs] + [message(12, each) for each in outputs]
        opsets = [message(8, message(1, domain) + number(2, version)) for domain, version in OPSETS.items()]
        size = sum(len(part) for part in content)
        return [number(1, IR_VERSION), *opsets, varint(7 << 3 | 2) + varint(size), *content]
