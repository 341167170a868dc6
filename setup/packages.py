"""Python packages of a service, pinned by hash in a `requirements.txt` beside the service.

They are installed by `pip install --target` into a folder for `PYTHONPATH`, not into a virtual environment:
Debian and Ubuntu have the module for virtual environments in a separate package (python3-venv), and an
environment cannot be renamed when it is complete, because its scripts contain its path.
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
    """The folder with the packages for this interpreter; installed if it does not exist."""

    def fill(whole: Path, _: Path) -> None:
        say(f"installing the Python packages of {name}")
        # Without dependencies: the file lists all packages that are used, and no others.
        command = [sys.executable, "-m", "pip", "install", "--disable-pip-version-check", "--no-cache-dir", "--no-deps"]
        command += ["--only-binary=:all:", "--require-hashes", "--target", str(whole), "-r", str(requirements)]
        if not sys.stderr.isatty():
            command.append("--quiet")
        # pip warns root about damage to the system's packages, which does not apply to a folder in the cache.
        environment = {**os.environ, "PIP_ROOT_USER_ACTION": "ignore"}
        if subprocess.run(command, stdout=sys.stderr, env=environment).returncode != 0:
            give_up(f"the Python packages of {name} cannot be installed (see the message of pip above)")

    return cache.part(name, key_of(requirements), fill)


def key_of(requirements: Path) -> str:
    interpreter = f"{sys.implementation.cache_tag} {cache.architecture()}"
    return hashlib.sha256(interpreter.encode() + requirements.read_bytes()).hexdigest()[:12]
