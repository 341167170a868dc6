"""Generated files in the repository: each must be equal to the output of a command of `colloquy`.

    setup/generated.py <colloquy>            compares the files
    setup/generated.py <colloquy> --write    writes the files
"""

from __future__ import annotations

import difflib
import subprocess
import sys
from pathlib import Path

from tools import REPOSITORY

LINES_OF_A_DIFFERENCE = 40

# The arguments of `colloquy` and the file, one line for each generated file.
GENERATED = [
    (["openapi"], "web/openapi.json"),
    (["config-reference"], "docs/configuration.md"),
    (["metrics-reference"], "docs/metrics.md"),
]


def printed(colloquy: Path, arguments: list[str]) -> str:
    done = subprocess.run([colloquy, *arguments], stdout=subprocess.PIPE, text=True, cwd=REPOSITORY)
    if done.returncode != 0:
        sys.exit(f"`colloquy {' '.join(arguments)}` ended with exit status {done.returncode}")
    return done.stdout


def difference(kept: str, now: str, file: str) -> list[str]:
    lines = difflib.unified_diff(kept.splitlines(), now.splitlines(), file, "printed now", lineterm="")
    return list(lines)[:LINES_OF_A_DIFFERENCE]


def main() -> None:
    colloquy, write = Path(sys.argv[1]), "--write" in sys.argv[2:]
    different = []
    for arguments, file in GENERATED:
        path, now = REPOSITORY / file, printed(colloquy, arguments)
        kept = path.read_text() if path.exists() else ""
        if write:
            path.write_text(now)
        elif kept != now:
            different.append(file)
            print("\n".join(difference(kept, now, file)), flush=True)
    if different:
        sys.exit(f"out of date: {', '.join(different)}; `make generate` writes them")


if __name__ == "__main__":
    main()
