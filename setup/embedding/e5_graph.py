"""The graph of multilingual-e5-small in ONNX Runtime's fused operators, computed in 8 bits.

The products of the layers take weights of 8 bits with a scale for each output, and quantize their input when they run.
The embedding of a token is read from its 4 bits.
"""

from __future__ import annotations

import array
import struct

from embedding.e5_file import BLOCK_WEIGHTS, E5File
from embedding.onnx_file import FLOAT, INT4, INT8, INT32, INT64, Graph, value_info

MICROSOFT = "com.microsoft"
# Two products of 8-bit inputs with weights up to this one fit into 16 bits, which processors without VNNI add in.
MOST = 63
# Two weights of 4 bits in a byte, each plus 8, become two signed numbers.
TO_SIGNED = bytes(byte ^ 0x88 for byte in range(256))


def graph(file: E5File) -> list[bytes]:
    """The parts of the model's file."""
    made = Builder(file)
    x = made.embeddings()
    for layer in range(file.sizes.layers):
        x = made.layer(layer, x)
    made.graph.node("Identity", [x], ["last_hidden_state"])
    tokens = ("batch", "tokens")
    inputs = [value_info(name, INT64, tokens) for name in ("input_ids", "attention_mask")]
    output = value_info("last_hidden_state", FLOAT, (*tokens, file.sizes.hidden))
    return made.graph.model(inputs, [output])


def quantized(file: E5File, name: str, columns: int) -> tuple[array.array, list[bytes]]:
    """The scale and the weights in 8 bits of each row of a tensor of 4 bits."""
    blocks_of_row = columns // BLOCK_WEIGHTS
    block_scales, weights = file.scales(name), file.weights(name)
    scales, rows = array.array("f"), []
    for row in range(len(block_scales) // blocks_of_row):
        blocks = []
        for block in range(row * blocks_of_row, (row + 1) * blocks_of_row):
            values = weights[block * BLOCK_WEIGHTS : (block + 1) * BLOCK_WEIGHTS]
            blocks.append((block_scales[block], values))
        largest = max(abs(scale) * max(max(values) - 8, 8 - min(values)) for scale, values in blocks)
        scale = largest / MOST or 1.0
        scales.append(scale)
        rows.append(b"".join(values.translate(table(of_block / scale)) for of_block, values in blocks))
    return scales, rows


def table(factor: float) -> bytes:
    """What each weight of 4 bits, plus 8, becomes in 8 bits."""
    return bytes(round((weight - 8) * factor) & 255 for weight in range(16)).ljust(256, b"\0")


class Builder:
    def __init__(self, file: E5File) -> None:
        self.file = file
        self.graph = Graph("multilingual-e5-small")

    def floats(self, name: str, values: array.array, *shape: int) -> str:
        return self.graph.constant(name, FLOAT, shape or (len(values),), values.tobytes())

    def vector(self, name: str) -> str:
        return self.floats(name, self.file.floats(name))

    def embeddings(self) -> str:
        sizes = self.file.sizes
        blocks = sizes.hidden // BLOCK_WEIGHTS
        shape = (sizes.vocabulary, sizes.hidden)
        table = self.graph.constant("emb.word", INT4, shape, self.file.packed("emb.word").translate(TO_SIGNED))
        scale = self.floats("emb.word.scale", self.file.scales("emb.word"), sizes.vocabulary, blocks)
        words = self.graph.node(
            "GatherBlockQuantized", [table, "input_ids", scale], ["words"], MICROSOFT,
            gather_axis=0, quantize_axis=1, block_size=BLOCK_WEIGHTS,
        )
        # The position of a token is the number of tokens before it.
        one = self.graph.constant("one", INT64, (), struct.pack("<q", 1))
        axis = self.graph.constant("token_axis", INT64, (), struct.pack("<q", 1))
        count = self.graph.node("CumSum", ["attention_mask", axis], ["count"])
        before = self.graph.node("Sub", [count, one], ["before"])
        zero = self.graph.constant("zero", INT64, (), struct.pack("<q", 0))
        position = self.graph.node("Max", [before, zero], ["position"])
        kind = self.file.floats("emb.type")[: sizes.hidden]
        raw = self.file.floats("emb.pos")[: sizes.positions * sizes.hidden]
        moved = array.array("f", (place + kind[i % sizes.hidden] for i, place in enumerate(raw)))
        places = self.floats("emb.pos", moved, sizes.positions, sizes.hidden)
        positions = self.graph.node("Gather", [places, position], ["positions"])
        self.graph.node("Cast", ["attention_mask"], ["mask"], to=INT32)
        return self.normalized("emb.ln", words, positions)

    def normalized(self, name: str, x: str, residual: str, bias: str = "") -> str:
        inputs = [x, residual, self.vector(f"{name}.w"), self.vector(f"{name}.b")]
        inputs += [bias] if bias else []
        return self.graph.node(
            "SkipLayerNormalization", inputs, [f"{name}.out"], MICROSOFT, epsilon=float(self.file.sizes.epsilon)
        )

    def product(self, name: str, x: str, parts: list[str], columns: int) -> str:
        """The product with the rows of several tensors."""
        scales, rows = array.array("f"), []
        for part in parts:
            of_part = quantized(self.file, part, columns)
            scales += of_part[0]
            rows += of_part[1]
        turned = bytearray(len(rows) * columns)
        for number, row in enumerate(rows):
            turned[number :: len(rows)] = row
        weights = self.graph.constant(f"{name}.w8", INT8, (columns, len(rows)), bytes(turned))
        zero = self.graph.constant(f"{name}.zero", INT8, (len(rows),), bytes(len(rows)))
        inputs = [x, weights, self.floats(f"{name}.scale", scales), zero]
        return self.graph.node("DynamicQuantizeMatMul", inputs, [f"{name}.out"], MICROSOFT)

    def layer(self, number: int, x: str) -> str:
        sizes, graph, at = self.file.sizes, self.graph, f"l{number}"
        keys = ("q", "k", "v")
        together = self.product(f"{at}.qkv", x, [f"{at}.{key}.w" for key in keys], sizes.hidden)
        parts = [f"{at}.{key}" for key in keys]
        graph.node("Split", [together], parts, axis=2, num_outputs=len(parts))
        bias = array.array("f", b"".join(self.file.raw(f"{at}.{key}.b") for key in keys))
        inputs = [*parts, self.floats(f"{at}.qkv.b", bias), "mask"]
        attended = graph.node("MultiHeadAttention", inputs, [f"{at}.att"], MICROSOFT, num_heads=sizes.heads)
        out = self.product(f"{at}.ao", attended, [f"{at}.ao.w"], sizes.hidden)
        x = self.normalized(f"{at}.aln", out, x, self.vector(f"{at}.ao.b"))
        inner = self.product(f"{at}.fi", x, [f"{at}.fi.w"], sizes.hidden)
        inner = graph.node("BiasGelu", [inner, self.vector(f"{at}.fi.b")], [f"{at}.gelu"], MICROSOFT)
        out = self.product(f"{at}.fo", inner, [f"{at}.fo.w"], sizes.inner)
        return self.normalized(f"{at}.oln", out, x, self.vector(f"{at}.fo.b"))
