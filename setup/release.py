"""Runs the checks of a release and prints a summary: those that need packages, images, a bare root or an older build.

    setup/release.py                 all checks
    setup/release.py NAME …          these checks, by the names of their files in setup/release/
    setup/release.py --list          prints the names and the first lines

Each file in `setup/release/` is one check, a script that runs by itself too. Its exit status is 0 if it succeeds
and `report.NOT_HERE` if this machine cannot run it; the last line of its output is the reason then, see
`report.not_here`. The other checks run after a failure too.
"""

from __future__ import annotations

import argparse
import ast
import os
import subprocess
import sys
import time
from pathlib import Path

from report import NOT_HERE
from tools import REPOSITORY

CHECKS = REPOSITORY / "setup" / "release"


def checks() -> dict[str, Path]:
    return {path.stem: path for path in sorted(CHECKS.glob("*.py"))}


def subject(check: Path) -> str:
    """The first line of the check's documentation."""
    return (ast.get_docstring(ast.parse(check.read_text())) or check.stem).splitlines()[0]


def run(check: Path) -> tuple[str, float]:
    """Runs a check, shows its output, and returns the outcome and the duration in seconds."""
    print(f"\n── {check.stem}: {subject(check)}", flush=True)
    began, last = time.monotonic(), ""
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY / "setup"), "PYTHONUNBUFFERED": "1"}
    command = [sys.executable, str(check)]
    process = subprocess.Popen(command, cwd=REPOSITORY, env=environment, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        for line in process.stdout:
            print(line, end="", flush=True)
            last = line.strip() or last
        code = process.wait()
    except KeyboardInterrupt:
        # The check gets the signal from the terminal too, and removes what it has made.
        process.wait()
        raise
    outcome = {0: "ok", NOT_HERE: f"not run: {last}"}.get(code, "FAILED")
    return outcome, time.monotonic() - began


def summary(results: list[tuple[str, str, float]]) -> str:
    width = max((len(name) for name, _, _ in results), default=0)
    lines = [f"  {name:<{width}}  {seconds:7.1f} s  {outcome}" for name, outcome, seconds in results]
    failed = [name for name, outcome, _ in results if outcome == "FAILED"]
    verdict = f"{len(failed)} of {len(results)} checks failed: {', '.join(failed)}" if failed else "nothing failed"
    return "\n".join(["", *lines, "", verdict])


def main() -> int:
    parser = argparse.ArgumentParser(description="Runs the checks of a release and sums them up.")
    parser.add_argument("names", nargs="*", metavar="NAME", help="checks to run; default all")
    parser.add_argument("--list", action="store_true", help="print the checks")
    arguments, known = parser.parse_args(), checks()
    if arguments.list:
        print("\n".join(f"  {name}: {subject(path)}" for name, path in known.items()))
        return 0
    if unknown := [name for name in arguments.names if name not in known]:
        parser.error(f"there is no check {', '.join(unknown)}; there are {', '.join(known)}")
    results = [(name, *run(known[name])) for name in arguments.names or known]
    print(summary(results), flush=True)
    return 1 if any(outcome == "FAILED" for _, outcome, _ in results) else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
