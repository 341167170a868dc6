"""The cache of runtime parts in the user's home, shared by all checkouts. Each part is complete or absent."""

from __future__ import annotations

import errno
import fcntl
import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from report import give_up, say

# Fills the empty folder of a part; the second folder is for temporary files.
Fill = Callable[[Path, Path], None]


def root() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return Path(base) / "colloquy" / "runtime"


def architecture() -> str:
    machine = {"arm64": "aarch64", "amd64": "x86_64"}.get(platform.machine().lower(), platform.machine())
    if sys.platform != "linux" or machine not in ("x86_64", "aarch64"):
        give_up(f"the runtime parts are pinned for Linux on x86_64 and aarch64, this is {sys.platform} on {machine}")
    return machine


def part(name: str, key: str, fill: Fill) -> Path:
    """The folder of the part `name`; created and filled if it does not exist. `key` is a hash of the part's
    source."""
    place = root() / f"{name}-{key}"
    if not place.is_dir():
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            install(name, place, fill)
        except OSError as problem:
            if problem.errno == errno.ENOSPC:
                give_up(f"the disk that holds {place.parent} is full; the runtime parts need about 450 MB")
            give_up(f"{name} cannot be put into {place.parent}: {problem}")
    return place


def install(name: str, place: Path, fill: Fill) -> None:
    """Fills a folder beside `place` and renames it when it is complete. Each part has a lock of its own, so that
    the filling of one part may take another."""
    with (place.parent / f".lock-{name}").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"waiting for another set-up to fetch {name}")
            fcntl.flock(lock, fcntl.LOCK_EX)
        if place.is_dir():
            return
        for leftover in place.parent.glob(f".fetching-{name}-*"):
            shutil.rmtree(leftover, ignore_errors=True)
        with tempfile.TemporaryDirectory(prefix=f".fetching-{name}-", dir=place.parent) as temporary:
            whole = Path(temporary) / "whole"
            whole.mkdir()
            fill(whole, Path(temporary))
            open_to_all(whole)
            whole.rename(place)


def open_to_all(folder: Path) -> None:
    """Makes the files readable for all users: a service may run as another user than set-up."""
    for path, _, files in os.walk(folder):
        os.chmod(path, 0o755)
        for name in files:
            file = Path(path) / name
            file.chmod(0o755 if file.stat().st_mode & 0o100 else 0o644)
