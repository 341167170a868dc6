#!/usr/bin/env python3
"""The compiler of the workspace's crates in the tests: it also lints each crate and checks its documentation.

cargo calls it by RUSTC_WORKSPACE_WRAPPER with rustc and its arguments. A compilation, the lints of clippy and
`cargo doc` would otherwise each compile the dependencies in a way of their own. Warnings are warnings here:
`build.py --deny-warnings` counts them. Without clippy, crates are compiled without its lints.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

# Arguments with a value that rustdoc does not know.
OF_RUSTC_ALONE = ("--emit", "--out-dir", "--crate-type")


def documents(arguments: list[str]) -> bool:
    """Whether it compiles a library or a program, not a test, a build script or a question to the compiler."""
    if "--test" in arguments or "--crate-name" not in arguments:
        return False
    name = arguments[arguments.index("--crate-name") + 1]
    return name not in ("___", "build_script_build") and any(a.startswith("--emit") for a in arguments)


def of_rustdoc(arguments: list[str]) -> list[str]:
    kept: list[str] = []
    rest = iter(arguments)
    for argument in rest:
        name = argument.partition("=")[0]
        if name not in OF_RUSTC_ALONE:
            kept.append(argument)
        elif "=" not in argument:
            next(rest, None)
    return kept


def compiler(rustc: str) -> list[str]:
    """clippy, or rustc where clippy is missing. rustup has a program of its name in any case."""
    try:
        found = subprocess.run(["clippy-driver", "--version"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    except OSError:
        return [rustc]
    return [rustc] if found.returncode else ["clippy-driver", rustc]


def main() -> int:
    rustc, arguments = sys.argv[1], sys.argv[2:]
    # The jobserver of cargo is among the open files.
    compiled = subprocess.run([*compiler(rustc), *arguments], close_fds=False)
    if compiled.returncode or not documents(arguments):
        return compiled.returncode
    folder = Path(arguments[arguments.index("--out-dir") + 1]).parent.parent / "doc"
    rustdoc = ["rustdoc", *of_rustdoc(arguments), "--document-private-items", "--out-dir", str(folder)]
    return subprocess.run(rustdoc, close_fds=False).returncode


if __name__ == "__main__":
    sys.exit(main())
