"""Backups in an S3 bucket: created, interrupted, verified and restored against the server of the crate `s3s-fs`.

The server is compiled once and kept in the cache of runtime parts. The check itself is a test in Rust,
`tests/it/operations/backup_s3.rs`, which `make test` leaves out.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import cache
from build import CHECKED
from tools import REPOSITORY

VERSION = "0.14.1"
TEST = "operations::backup_s3"


def install(place: Path, _temporary: Path) -> None:
    """Compiles the server into the folder of the part."""
    command = ["cargo", "install", "s3s-fs", "--version", VERSION, "--features", "binary", "--locked", "--quiet", "--debug"]
    subprocess.run([*command, "--no-track", "--root", str(place)], check=True, stdout=sys.stderr)


def main() -> int:
    server = cache.part("s3s-fs", VERSION, install) / "bin" / "s3s-fs"
    build = [sys.executable, "setup/build.py", "--checked", "--locked", "--workspace", "--all-targets"]
    subprocess.run(build, check=True, cwd=REPOSITORY)
    target = os.environ.get("CARGO_TARGET_DIR") or str(REPOSITORY / "target")
    services = [str(Path(target) / "debug" / "colloquy-dev"), "services", "--"]
    test = ["cargo", "nextest", "run", "--locked", "--workspace", "--run-ignored", "only", "-E", f"test(/^{TEST}/)"]
    environment = {**os.environ, **CHECKED, "COLLOQUY_TEST_S3_SERVER": str(server)}
    return subprocess.run([*services, *test], cwd=REPOSITORY, env=environment).returncode


if __name__ == "__main__":
    sys.exit(main())
