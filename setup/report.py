"""Messages of set-up: progress, and one line if it cannot continue."""

from __future__ import annotations

import sys
from typing import NoReturn


def say(text: str) -> None:
    """Prints one line of progress to stderr; stdout is for the output of a script."""
    print(f"  {text}", file=sys.stderr, flush=True)


def give_up(text: str) -> NoReturn:
    """Ends set-up with one line: the problem and its solution."""
    print(f"colloquy set-up: {text}", file=sys.stderr, flush=True)
    sys.exit(1)
