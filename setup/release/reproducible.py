"""Two builds of the same commit give the same archive: the second one in another folder, from the beginning.

Compiles the program once more (ten minutes and more). With `COLLOQUY_BINARY` only the packaging is repeated.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import tempfile
import time
from pathlib import Path

import built
from distribution import archive
from report import not_here
from tools import REPOSITORY


def different_files(one: Path, other: Path) -> list[str]:
    """The files of two archives that are not the same."""

    def entries(place: Path) -> dict[str, tuple]:
        with tarfile.open(place) as packed:
            found = {}
            for entry in packed:
                content = packed.extractfile(entry) if entry.isfile() else None
                found[entry.name] = (entry.mode, entry.mtime, entry.size, hash(content.read()) if content else None)
            return found

    first, second = entries(one), entries(other)
    return sorted(name for name in first.keys() | second.keys() if first.get(name) != second.get(name))


def main() -> None:
    if subprocess.run(["git", "diff", "--quiet", "HEAD"], cwd=REPOSITORY).returncode != 0:
        not_here("the checkout has changes: a second build takes the commit")
    first = built.archive()
    with tempfile.TemporaryDirectory(prefix="colloquy-again-") as folder:
        checkout = Path(folder) / "another" / "checkout"
        subprocess.run(["git", "clone", "--quiet", str(REPOSITORY), str(checkout)], check=True)
        head = subprocess.run(["git", "rev-parse", "HEAD"], cwd=REPOSITORY, stdout=subprocess.PIPE, text=True, check=True)
        subprocess.run(["git", "checkout", "--quiet", "--detach", head.stdout.strip()], cwd=checkout, check=True)
        environment = {**os.environ, "CARGO_TARGET_DIR": str(Path(folder) / "compiled")}
        environment.pop("PYTHONPATH", None)
        began = time.monotonic()
        subprocess.run([sys.executable, "setup/dist.py"], cwd=checkout, env=environment, check=True, stdout=sys.stderr)
        print(f"  the second build took {time.monotonic() - began:.0f} s")
        second = checkout / "dist" / first.name
        sums = archive.sha256(first), archive.sha256(second)
        if sums[0] != sums[1]:
            sys.exit("these files differ:\n" + "\n".join(different_files(first, second) or ["none: the compression differs"]))
        print(f"  both have the SHA-256 {sums[0]}")


if __name__ == "__main__":
    main()
