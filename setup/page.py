"""The Node parts of the checkout: the packages of auth/ and web/ by their lock files, and the built page.
They are updated only if their sources have changed."""

from __future__ import annotations

import fcntl
import hashlib
import json
import subprocess
from collections.abc import Iterable
from pathlib import Path

from report import give_up, say
from tools import REPOSITORY, output_of

ACCOUNTS = REPOSITORY / "auth"
PAGE = REPOSITORY / "web"
INSTALL = ("install", "--no-save", "--no-audit", "--no-fund")
LINES_OF_AN_ERROR = 30
NOT_SOURCES = {"node_modules", "dist", "e2e", "test-results", "playwright-report"}


def fingerprint(files: Iterable[Path], *more: str) -> str:
    state = hashlib.sha256("\0".join(more).encode())
    for file in files:
        state.update(f"{file.relative_to(REPOSITORY)}\0".encode())
        state.update(hashlib.sha256(file.read_bytes()).digest())
    return state.hexdigest()


def run_npm(what: str, folder: Path, *arguments: str) -> None:
    say(what)
    done = subprocess.run(["npm", *arguments], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode != 0:
        print("\n".join(done.stdout.splitlines()[-LINES_OF_AN_ERROR:]))
        give_up(f"`npm {' '.join(arguments)}` failed in {folder} (see above)")


def require_lock_in_step(folder: Path) -> None:
    """Checks that the lock file belongs to this `package.json`."""
    declared = json.loads((folder / "package.json").read_text())
    locked = json.loads((folder / "package-lock.json").read_text())["packages"][""]
    for kind in ("dependencies", "devDependencies"):
        if declared.get(kind, {}) != locked.get(kind, {}):
            give_up(f"{folder.name}/package-lock.json does not match package.json: run `npm install` in {folder}")


def install_packages() -> None:
    """Installs the packages of the lock files if a lock file or Node has changed.

    `npm ci` is not used: it refuses a lock file that lacks a platform for which a package has a build, and
    some registries do not serve all platforms. `npm install` uses the versions and hashes of the lock file
    too.
    """
    for folder in (ACCOUNTS, PAGE):
        require_lock_in_step(folder)
        with Stamp(folder, "packages") as stamp:
            files = [folder / "package.json", folder / "package-lock.json"]
            wanted = fingerprint(files, output_of("node", "--version"))
            if stamp.read() != wanted:
                run_npm(f"installing the Node packages of {folder.name}/", folder, *INSTALL)
                stamp.write(wanted)


def build() -> None:
    """Runs `npm run build` if a source of the page has changed."""
    with Stamp(PAGE, "build") as stamp:
        wanted = fingerprint(sorted(sources()))
        if stamp.read() != wanted or not (PAGE / "dist" / "index.html").is_file():
            run_npm("building the page", PAGE, "run", "build")
            stamp.write(wanted)


def sources() -> Iterable[Path]:
    for entry in PAGE.iterdir():
        if entry.name in NOT_SOURCES or entry.name.startswith("."):
            continue
        if entry.is_file():
            yield entry
        else:
            yield from (file for file in entry.rglob("*") if file.is_file())


class Stamp:
    """The fingerprint of the sources of the last run; locked against a concurrent run in the same
    checkout."""

    def __init__(self, folder: Path, name: str) -> None:
        # Not in the folder of the packages, which npm removes.
        self.path = REPOSITORY / ".data" / "setup" / f"{folder.name}-{name}"
        self.folder = folder

    def __enter__(self) -> Stamp:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self.lock = self.path.with_suffix(".lock").open("w")
        except OSError as problem:
            give_up(f"{self.path.parent} cannot be written: {problem}")
        fcntl.flock(self.lock, fcntl.LOCK_EX)
        return self

    def __exit__(self, *_: object) -> None:
        self.lock.close()

    def read(self) -> str:
        if not (self.folder / "node_modules").is_dir():
            return ""
        return self.path.read_text() if self.path.is_file() else ""

    def write(self, text: str) -> None:
        self.path.write_text(text)
