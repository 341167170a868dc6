"""The folders of a collection's engine files. An optimized copy replaces the former folder atomically, also
in a crash.

    <home>/shard      the files of a new collection
    <home>/shard-2    an optimized copy, once `current` names it
    <home>/current    the name of the folder in use; absent for `shard`
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

FIRST = "shard"


class Generations:
    def __init__(self, home: Path) -> None:
        self.home = home
        marker = home / "current"
        name = marker.read_text() if marker.exists() else FIRST
        self.current = home / name
        # A crash leaves an incomplete copy, or the former folder.
        for folder in home.glob(f"{FIRST}*"):
            if folder != self.current:
                shutil.rmtree(folder)

    def next(self) -> Path:
        """The name for the next copy; the folder does not exist yet."""
        number = self.current.name.removeprefix(f"{FIRST}-")
        return self.home / f"{FIRST}-{int(number) + 1 if number.isdigit() else 2}"

    def adopt(self, folder: Path) -> Path:
        """Makes `folder`, which must be complete on disk, the current one; returns the former one."""
        draft = self.home / "current.draft"
        with draft.open("w") as file:
            file.write(folder.name)
            file.flush()
            os.fsync(file.fileno())
        draft.rename(self.home / "current")
        former, self.current = self.current, folder
        return former
