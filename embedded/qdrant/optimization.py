"""Optimization of a collection: builds graphs and removes deleted points, in another process and on a copy of
the files. In the server's process the engine would hold the interpreter lock for minutes, and no call would
be answered.

Changes made meanwhile are recorded and applied to the optimized copy before it is used.
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
# Growth of the files after which an optimization is tried in any case: deleted points take space.
GROWTH_KB = 512 * 1024
# Limit of recorded changes. Beyond it the collection is busy: the optimization is abandoned, and the next
# pause starts another one.
MOST_RECORDED = 1_000
# Exit status of the process when the engine has found nothing to optimize.
NOTHING_TO_DO = 3


@dataclass(frozen=True)
class Threshold:
    """The amount of vectors from which graphs are built."""

    # Vectors without a graph, in KB; 0 means that no graph is ever built.
    unindexed_kb: int
    vectors_per_point: int
    dimensions: int

    def unindexed_now_kb(self, info: engine.ShardInfo) -> int:
        missing = info.points_count * self.vectors_per_point - info.indexed_vectors_count
        return max(missing, 0) * self.dimensions * BYTES_PER_NUMBER // 1024


@dataclass(frozen=True)
class Baseline:
    """The state after the last optimization. The next one pays only when enough has been added since."""

    folder: Path
    files_kb: int
    # Vectors that the last optimization left without a graph.
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
    OVERTAKEN = "the optimization is abandoned: too many changes"


class Optimization:
    """A running optimization."""

    def __init__(self, folder: Path, process: subprocess.Popen[bytes]) -> None:
        self.folder = folder
        self._process = process
        self._recorded: list[tuple[engine.UpdateOperation, bool]] = []

    @classmethod
    def start(cls, generations: Generations) -> Optimization:
        """Copies the files and starts the process. The files must be flushed and must not change during the
        call."""
        folder = generations.next()
        # The files of the log are large and sparse.
        try:
            subprocess.run(["cp", "-a", "--sparse=always", generations.current, folder], check=True)
        except (OSError, subprocess.CalledProcessError):
            shutil.rmtree(folder, ignore_errors=True)
            raise
        # The child must not outlive this process, even if this process is killed.
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
        """Opens the optimized copy, applies the recorded changes and flushes it. Returns `None` if that
        fails."""
        try:
            shard = engine.EdgeShard.load(str(self.folder))
            for operation, succeeded in self._recorded:
                try:
                    shard.update(operation)
                except Exception:
                    # The engine refuses again what it refused the first time.
                    if succeeded:
                        raise
            shard.flush()
        except Exception:
            LOG.exception("the optimized copy in %s cannot be used", self.folder)
            return None
        return shard

    def abandon(self) -> None:
        """Ends the process and removes the copy."""
        self._process.kill()
        self._process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


def size_kb(folder: Path) -> int:
    """The space on disk of the files below `folder`."""
    return sum(file.stat().st_blocks for file in folder.rglob("*") if file.is_file()) // 2
