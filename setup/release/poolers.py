"""PgBouncer restarts under load, falls silent, or stands before the account service, an erasure and a rebuild.

The scenarios are the ignored tests of `poolers`, for which `make test` has no time.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from build import CHECKED
from tools import REPOSITORY

TARGET = Path(os.environ.get("CARGO_TARGET_DIR") or REPOSITORY / "target").resolve()


def run(*command: str) -> None:
    done = subprocess.run(command, cwd=REPOSITORY, env={**os.environ, **CHECKED, "CARGO_TARGET_DIR": str(TARGET)})
    if done.returncode != 0:
        sys.exit(done.returncode)


def main() -> None:
    run(sys.executable, "setup/build.py", "--checked", "--locked", "--workspace", "--all-targets")
    test = ("cargo", "test", "--locked", "--workspace", "--test", "it", "--")
    run(str(TARGET / "debug" / "colloquy-dev"), "services", "--", *test, "--ignored", "--nocapture", "poolers::")


if __name__ == "__main__":
    main()
