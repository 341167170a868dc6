"""Python packages that a service runs on, pinned by hash in a `requirements.txt` beside the service.

They are installed by `pip install --target` into a folder that the service gets as `PYTHONPATH`, not into a virtual
environment: Debian and Ubuntu keep the module that makes one in a package of its own (python3-venv), and a folder of
packages, unlike an environment, can be renamed when it is complete.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import cache
from report import give_up, say


def packages(name: str, requirements: Path) -> Path:
    """The folder with the packages for this interpreter, installed where it does not exist yet."""

    def fill(whole: Path, _: Path) -> None:
        say(f"installing the Python packages of {name}")
        # Without dependencies: the file names all that is used, and leaves out the rest.
        command = [sys.executable, "-m", "pip", "install", "--disable-pip-version-check", "--no-cache-dir", "--no-deps"]
        command += ["--only-binary=:all:", "--require-hashes", "--target", str(whole), "-r", str(requirements)]
        if not sys.stderr.isatty():
            command.append("--quiet")
        # pip warns root of harm to the system's packages, which a folder in the cache cannot do.
        environment = {**os.environ, "PIP_ROOT_USER_ACTION": "ignore"}
        if subprocess.run(command, stdout=sys.stderr, env=environment).returncode != 0:
            give_up(f"the Python packages of {name} could not be installed (see pip's message above)")

    return cache.part(name, key_of(requirements), fill)


def key_of(requirements: Path) -> str:
    interpreter = f"{sys.implementation.cache_tag} {cache.architecture()}"
    return hashlib.sha256(interpreter.encode() + requirements.read_bytes()).hexdigest()[:12]
