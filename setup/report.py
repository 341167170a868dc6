"""How set-up speaks to the person who runs it: progress and one clear line when it cannot go on."""

from __future__ import annotations

import sys
from typing import NoReturn


def say(text: str) -> None:
    """One line of progress, on stderr: stdout belongs to what a script is asked for."""
    print(f"  {text}", file=sys.stderr, flush=True)


def give_up(text: str) -> NoReturn:
    """Ends set-up with one line that says what is wrong and what to do."""
    print(f"colloquy set-up: {text}", file=sys.stderr, flush=True)
    sys.exit(1)
