"""`cargo build` with progress, also without a terminal.

    setup/build.py [--checked | --deny-warnings] <arguments of cargo build>

With --checked, crates of the workspace are also linted and their documentation is checked. With --deny-warnings a
warning then fails the build after its end. On a terminal cargo shows its own progress bar with the number of
crates, unless they are checked. Otherwise a line every ten seconds tells how many of the crates are built.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time

from report import say
from tools import REPOSITORY

LINE_EVERY_SECONDS = 10.0
# Exit status of a checked build that succeeded with warnings.
WARNED = 3
# The environment of every cargo command that uses the artifacts of a checked build.
CHECKED = {"RUSTC_WORKSPACE_WRAPPER": str(REPOSITORY / "setup" / "checked_rustc.py")}


def crates(arguments: list[str]) -> int:
    """The number of crates of the build, built already or not; 0 if cargo fails to list them."""
    kind = ("--release", "--profile=dist", "--all-targets")
    selection = [argument for argument in arguments if argument not in kind]
    # Fetches missing sources of crates first, which takes a while on a new machine.
    tree = ["cargo", "tree", "--quiet", "--prefix=none", "--format={p}", "--edges=normal,build,dev", *selection]
    listed = subprocess.run(tree, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True).stdout
    return len({line.removesuffix(" (*)") for line in listed.splitlines() if line})


def build_with_lines(arguments: list[str], checked: bool, deny_warnings: bool) -> int:
    say("fetching and counting the crates")
    total, built, began = crates(arguments), set[str](), time.monotonic()
    command = ["cargo", "build", "--quiet", "--message-format=json", *arguments]
    environment = {**os.environ, **CHECKED} if checked else None
    process = subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True, env=environment)
    assert process.stdout is not None
    last, warnings = began, 0
    for line in process.stdout:
        message = json.loads(line)
        if message["reason"] == "compiler-artifact":
            built.add(message["package_id"])
        elif message["reason"] == "compiler-message":
            warnings += message["message"]["level"] == "warning"
            print(message["message"]["rendered"], file=sys.stderr, flush=True)
        if time.monotonic() - last > LINE_EVERY_SECONDS:
            last = time.monotonic()
            say(f"built {len(built)} of {max(total, len(built))} crates after {last - began:.0f} s")
    code = process.wait()
    if code == 0:
        say(f"built {len(built)} crates in {time.monotonic() - began:.0f} s")
    if code == 0 and deny_warnings and warnings:
        say(f"{warnings} warnings")
        return WARNED
    return code


def main() -> int:
    deny_warnings = "--deny-warnings" in sys.argv
    checked = deny_warnings or "--checked" in sys.argv
    arguments = [argument for argument in sys.argv[1:] if argument not in ("--checked", "--deny-warnings")]
    if sys.stderr.isatty() and not checked:
        return subprocess.run(["cargo", "build", *arguments], cwd=REPOSITORY).returncode
    return build_with_lines(arguments, checked, deny_warnings)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
