"""Optimizing a collection: building its graphs and dropping deleted points, in a process of its own on a copy of the
files. The engine would hold the interpreter for minutes, in which the server could answer nothing.

Changes that come meanwhile are recorded and made again on the optimized copy before it is used.
"""

from __future__ import annotations

import enum
import logging
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import qdrant_edge as engine

from .generations import Generations

LOG = logging.getLogger(__name__)
BYTES_PER_NUMBER = 4
# Growth of the files that is worth looking for deleted points, whether or not there are vectors to index.
GROWTH_KB = 512 * 1024
# Changes that are recorded at most. A collection that is written to more than this is not left alone; the optimization
# is abandoned, and the next pause starts another.
MOST_RECORDED = 1_000
# Exit status of the process where the engine found nothing to do.
NOTHING_TO_DO = 3


@dataclass(frozen=True)
class Threshold:
    """When the graphs of a collection are worth building."""

    # Vectors not in a graph, in KB; 0 for no graphs at all.
    unindexed_kb: int
    vectors_per_point: int
    dimensions: int

    def unindexed_now_kb(self, info: engine.ShardInfo) -> int:
        missing = info.points_count * self.vectors_per_point - info.indexed_vectors_count
        return max(missing, 0) * self.dimensions * BYTES_PER_NUMBER // 1024


@dataclass(frozen=True)
class Baseline:
    """What an optimization is measured against: it pays only when enough has been added to this."""

    folder: Path
    files_kb: int
    # The vectors that the engine did not put into a graph when it was asked to.
    unindexed_kb: int = 0

    @classmethod
    def of(cls, folder: Path) -> Baseline:
        return cls(folder, size_kb(folder))

    @classmethod
    def unchanged(cls, folder: Path, info: engine.ShardInfo, threshold: Threshold) -> Baseline:
        return cls(folder, size_kb(folder), threshold.unindexed_now_kb(info))

    def pays(self, info: engine.ShardInfo, threshold: Threshold) -> bool:
        added = threshold.unindexed_now_kb(info) - self.unindexed_kb
        if threshold.unindexed_kb and added > threshold.unindexed_kb:
            return True
        return size_kb(self.folder) - self.files_kb > GROWTH_KB


class Outcome(enum.Enum):
    UNDER_WAY = "the optimization is under way"
    OPTIMIZED = "optimized"
    UNCHANGED = "there was nothing to optimize"
    FAILED = "the optimization failed"
    OVERTAKEN = "the optimization was overtaken by changes"


class Optimization:
    """One optimization under way."""

    def __init__(self, folder: Path, process: subprocess.Popen[bytes]) -> None:
        self.folder = folder
        self._process = process
        self._recorded: list[tuple[engine.UpdateOperation, bool]] = []

    @classmethod
    def start(cls, generations: Generations) -> Optimization:
        """Copies the files, which must be flushed and must not change meanwhile, and starts the process."""
        folder = generations.next()
        # The log's files are large and mostly holes.
        try:
            subprocess.run(["cp", "-a", "--sparse=always", generations.current, folder], check=True)
        except (OSError, subprocess.CalledProcessError):
            shutil.rmtree(folder, ignore_errors=True)
            raise
        # A child must not outlive this process, not even when it is killed.
        command = ["setpriv", "--pdeathsig", "KILL", "--", sys.executable, "-m", f"{__package__}.optimize", str(folder)]
        return cls(folder, subprocess.Popen(command, stdin=subprocess.DEVNULL))

    def record(self, operation: engine.UpdateOperation, *, succeeded: bool) -> None:
        self._recorded.append((operation, succeeded))

    def outcome(self) -> Outcome:
        if len(self._recorded) > MOST_RECORDED:
            return Outcome.OVERTAKEN
        status = self._process.poll()
        if status is None:
            return Outcome.UNDER_WAY
        return {0: Outcome.OPTIMIZED, NOTHING_TO_DO: Outcome.UNCHANGED}.get(status, Outcome.FAILED)

    def caught_up(self) -> engine.EdgeShard | None:
        """The engine on the optimized copy with every recorded change, flushed; nothing where that is not possible."""
        try:
            shard = engine.EdgeShard.load(str(self.folder))
            for operation, succeeded in self._recorded:
                try:
                    shard.update(operation)
                except Exception:
                    # A change that the engine refused the first time is refused again.
                    if succeeded:
                        raise
            shard.flush()
        except Exception:
            LOG.exception("the optimized copy in %s is of no use", self.folder)
            return None
        return shard

    def abandon(self) -> None:
        """Ends the process and removes the copy."""
        self._process.kill()
        self._process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


def size_kb(folder: Path) -> int:
    """What the files below `folder` take up on disk."""
    return sum(file.stat().st_blocks for file in folder.rglob("*") if file.is_file()) // 2
