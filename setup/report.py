"""Messages of set-up: progress, and one line if it cannot continue."""

from __future__ import annotations

import sys
from typing import NoReturn

# Exit status of a check that this machine cannot run.
NOT_HERE = 75


def say(text: str) -> None:
    """Prints one line of progress to stderr; stdout is for the output of a script."""
    print(f"  {text}", file=sys.stderr, flush=True)


def give_up(text: str) -> NoReturn:
    """Ends set-up with one line: the problem and its solution."""
    print(f"colloquy set-up: {text}", file=sys.stderr, flush=True)
    sys.exit(1)


def not_here(reason: str) -> NoReturn:
    """Ends a check of a release that cannot run on this machine, with the reason."""
    print(reason, flush=True)
    sys.exit(NOT_HERE)
