"""What the checks of a release run: the archive of `make dist`, and the services of development."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tarfile
from pathlib import Path

import dist
from distribution import program
from report import say
from tools import REPOSITORY

TARGET = Path(os.environ.get("CARGO_TARGET_DIR") or REPOSITORY / "target")


def archive() -> Path:
    """The archive of this commit, built if it does not exist. `COLLOQUY_ARCHIVE` names another one."""
    if given := os.environ.get("COLLOQUY_ARCHIVE"):
        return Path(given)
    place = REPOSITORY / "dist" / f"colloquy-{dist.version()}-{program.host()}.tar.gz"
    commit = program.commit()
    if not place.is_file() or commit.endswith("-modified") or release_of(place).get("commit") != commit:
        subprocess.run([sys.executable, str(REPOSITORY / "setup" / "dist.py")], check=True, stdout=sys.stderr)
    return place


def release_of(place: Path) -> dict:
    with tarfile.open(place) as packed:
        file = packed.extractfile(f"{place.name.removesuffix('.tar.gz')}/release.json")
        return json.load(file) if file else {}


def on_services(script: str) -> None:
    """Goes on only in a process that has the services of development; starts them and this script again otherwise."""
    if "COLLOQUY_TEST_POSTGRES_URL" in os.environ:
        return
    developer = os.environ.get("COLLOQUY_DEV") or str(TARGET / "debug" / "colloquy-dev")
    if "COLLOQUY_DEV" not in os.environ:
        build = [sys.executable, str(REPOSITORY / "setup" / "build.py"), "--locked", "-p", "embedded"]
        subprocess.run(build, check=True, stdout=sys.stderr)
    say("starting PostgreSQL, NATS and the Qdrant engine")
    command = [developer, "services", "--only", "nats,qdrant", "--", sys.executable, script]
    os.environ["PYTHONPATH"] = str(REPOSITORY / "setup")
    os.execvp(command[0], command)


def services() -> dict[str, str]:
    """The settings by which a Colloquy finds the services."""
    return {
        "DATABASE_URL": os.environ["COLLOQUY_TEST_POSTGRES_URL"],
        "NATS_URL": os.environ["COLLOQUY_TEST_NATS_URL"],
        "QDRANT_URL": os.environ["COLLOQUY_TEST_QDRANT_URL"],
    }


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]
