"""The program of a release, compiled so that its bytes do not depend on the folders of the machine."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from report import give_up, say
from tools import REPOSITORY, output_of


def host() -> str:
    """The target of the compiler, such as `x86_64-unknown-linux-gnu`."""
    for line in output_of("rustc", "-vV").splitlines():
        if line.startswith("host: "):
            return line.removeprefix("host: ")
    give_up("rustc does not tell its target")


def commit() -> str:
    """The commit of the checkout; its hash is followed by a word if the checkout has changes."""
    named = os.environ.get("COLLOQUY_COMMIT", "")
    head = output_of("git", "rev-parse", "HEAD").strip()
    if named or not head:
        return named
    return f"{head}-modified" if output_of("git", "status", "--porcelain", "--untracked-files=no").strip() else head


def time_of_sources() -> int:
    """`SOURCE_DATE_EPOCH`, or else the time of the commit: the time of all files of the release."""
    return int(os.environ.get("SOURCE_DATE_EPOCH") or output_of("git", "log", "-1", "--format=%ct").strip() or 0)


def build(target_folder: Path) -> Path:
    """Compiles the program, and returns its place. `COLLOQUY_BINARY` names one to take instead."""
    if given := os.environ.get("COLLOQUY_BINARY"):
        say(f"taking {given}")
        return Path(given)
    say("compiling the program (some fifteen minutes on two cores without earlier results)")
    command = [sys.executable, str(REPOSITORY / "setup" / "build.py"), "--locked", "--profile=dist", "-p", "colloquy"]
    environment = {**os.environ, **without_folders(target_folder), "CARGO_TARGET_DIR": str(target_folder)}
    environment["COLLOQUY_COMMIT"] = commit()
    environment["SOURCE_DATE_EPOCH"] = str(time_of_sources())
    if subprocess.run(command, cwd=REPOSITORY, env=environment).returncode != 0:
        give_up("the program does not compile (see above)")
    return target_folder / "dist" / "colloquy"


def without_folders(target_folder: Path) -> dict[str, str]:
    """Variables by which compilers write neutral names in place of the folders of this machine."""
    cargo = Path(os.environ.get("CARGO_HOME") or Path.home() / ".cargo")
    # The last one that fits counts.
    folders = {str(cargo): "/cargo", str(REPOSITORY): "/colloquy", str(target_folder): "/target"}
    rust = " ".join(f"--remap-path-prefix={folder}={name}" for folder, name in folders.items())
    c = " ".join(f"-ffile-prefix-map={folder}={name}" for folder, name in folders.items())
    variables = {"RUSTFLAGS": rust, "CFLAGS": c, "CXXFLAGS": c}
    return {name: f"{os.environ.get(name, '')} {value}".strip() for name, value in variables.items()}
