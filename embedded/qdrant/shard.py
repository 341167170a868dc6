"""The engine of one collection: access, durability and maintenance. Knows no gRPC.

The engine appends each change to its log before the call returns, and replays the log when it is opened: an
answered change is not lost when the process crashes. The log is not synced to disk for each change, so a
crash of the machine can lose the last seconds, which is acceptable for development and tests.

The engine holds Python's interpreter lock during its calls: a long call stops the whole server. Therefore the
engine is flushed in a pause between changes, at the latest after half a minute, and graphs are built by
another process (`optimization`).
"""

from __future__ import annotations

import logging
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from threading import Lock
from typing import TypeVar

from qdrant_edge import EdgeConfig, EdgeShard, UpdateOperation

from . import failures, indexes
from .failures import Failure, Internal
from .generations import Generations
from .optimization import Baseline, Optimization, Outcome, Threshold, size_kb
from .shared_lock import SharedLock

LOG = logging.getLogger(__name__)
# Free space below which changes are refused: writing to a mapped file on a full disk kills the process.
NEEDED_BYTES = 128 * 1024 * 1024
# Time limit without a flush while changes arrive without a pause; limits the log that is replayed at a start.
LONGEST_UNFLUSHED_SECONDS = 30

T = TypeVar("T")


class Shard:
    """The engine of one collection. Changes are serialized; reads run concurrently."""

    def __init__(self, name: str, home: Path, threshold: Threshold) -> None:
        """Opens the engine whose files are in the folder `home`."""
        self.name = name
        self._generations = Generations(home)
        self._threshold = threshold
        self._lock = SharedLock()
        self._engine: EdgeShard | None = load(self._generations.current)
        self._writing = Lock()
        self._indexed: dict[str, str] | None = None
        self._index_changes = 0
        self._changes = 0
        self._unflushed_since: float | None = None
        # Whether there were changes since the last `tend`; whether `tend` has checked the present state.
        self._touched = False
        self._settled = False
        self._baseline = Baseline.of(self._generations.current)
        self._optimization: Optimization | None = None

    @staticmethod
    def create(home: Path, config: EdgeConfig) -> None:
        """Creates the engine's files in the empty folder `home`."""
        check_space(home)
        folder = Generations(home).current
        folder.mkdir()
        try:
            EdgeShard.create(str(folder), config).close()
        except Exception as error:
            raise failures.of_engine(error) from error

    def read(self, work: Callable[[EdgeShard], T]) -> T:
        with self._lock.shared():
            engine = self._open_engine()
            try:
                return work(engine)
            except Failure:
                raise
            except Exception as error:
                raise failures.of_engine(error) from error

    def indexed(self) -> dict[str, str]:
        """The fields with a payload index, and the type of each."""
        known, changes = self._indexed, self._index_changes
        if known is None:
            known = self.read(lambda engine: indexes.types(engine.info()))
            # What was read before a change does not count after it.
            if changes == self._index_changes:
                self._indexed = known
        return known

    def forget_indexed(self) -> None:
        """To be called after a change of the payload indexes."""
        self._index_changes += 1
        self._indexed = None

    def write(self, operation: UpdateOperation) -> int:
        """Applies a change durably and returns its number."""
        with self._writing, self._lock.shared():
            engine = self._open_engine()
            check_space(self._generations.home)
            failure = apply(engine, operation)
            self._touched = True
            self._unflushed_since = self._unflushed_since or time.monotonic()
            if self._optimization is not None:
                self._optimization.record(operation, succeeded=failure is None)
            if failure is not None:
                raise failure
            self._changes += 1
            return self._changes - 1

    def tend(self) -> None:
        """Flushes, and starts or completes an optimization where it pays. Called every few seconds; cheap if
        there is nothing to do."""
        touched, self._touched = self._touched, False
        since = self._unflushed_since
        if since is not None and (not touched or time.monotonic() - since > LONGEST_UNFLUSHED_SECONDS):
            self.flush()
        if self._optimization is not None:
            outcome = self._optimization.outcome()
            if outcome is not Outcome.UNDER_WAY:
                self._finish(self._optimization, outcome)
        elif touched:
            self._settled = False
        elif not self._settled:
            self._settled = True
            if self.read(lambda engine: self._baseline.pays(engine.info(), self._threshold)):
                self._optimize()

    def flush(self) -> None:
        with self._writing:
            self.read(lambda engine: engine.flush())
            self._unflushed_since = None

    def close(self) -> None:
        """Waits for running calls, flushes and closes. Later calls fail: the collection does not exist."""
        with self._writing, self._lock.exclusive():
            if self._optimization is not None:
                self._optimization.abandon()
                self._optimization = None
            engine, self._engine = self._engine, None
            if engine is not None:
                engine.close()

    def _open_engine(self) -> EdgeShard:
        if self._engine is None:
            raise failures.missing_collection(self.name)
        return self._engine

    def _optimize(self) -> None:
        """Starts an optimization. Changes wait while the files are copied."""
        with self._writing, self._lock.shared():
            check_space(self._generations.home, size_kb(self._generations.current) * 1024)
            self._open_engine().flush()
            self._unflushed_since = None
            self._optimization = Optimization.start(self._generations)
        LOG.info("collection %s: optimizing", self.name)

    def _finish(self, optimization: Optimization, outcome: Outcome) -> None:
        """Applies the recorded changes to the optimized copy and replaces the engine by it."""
        with self._writing, self._lock.exclusive():
            if self._optimization is not optimization or self._engine is None:
                return
            self._optimization = None
            self._settled = False
            optimized = optimization.caught_up() if outcome is Outcome.OPTIMIZED else None
            if optimized is not None:
                self._replace(optimized, optimization.folder)
            else:
                optimization.abandon()
                outcome = Outcome.FAILED if outcome is Outcome.OPTIMIZED else outcome
                if outcome is not Outcome.OVERTAKEN:
                    folder, info = self._generations.current, self._engine.info()
                    self._baseline = Baseline.unchanged(folder, info, self._threshold)
        LOG.info("collection %s: %s", self.name, outcome.value)


    def _replace(self, engine: EdgeShard, folder: Path) -> None:
        """Replaces the engine by the one on `folder`; needs exclusive access."""
        # First on disk: after a crash, the folder with the latest changes must be the current one.
        former = self._generations.adopt(folder)
        if self._engine is not None:
            self._engine.close()
        self._engine = engine
        self._unflushed_since = None
        self._baseline = Baseline.of(folder)
        shutil.rmtree(former, ignore_errors=True)


def load(folder: Path) -> EdgeShard:
    check_space(folder)
    try:
        return EdgeShard.load(str(folder))
    except Exception as error:
        raise failures.of_engine(error) from error


def apply(engine: EdgeShard, operation: UpdateOperation) -> Failure | None:
    """Applies an operation; returns the failure if the engine refuses it."""
    try:
        engine.update(operation)
    except Exception as error:
        return failures.of_engine(error)
    return None


def check_space(folder: Path, beyond: int = 0) -> None:
    """Fails if too little space is left after `beyond` more bytes."""
    try:
        disk = os.statvfs(folder)
    except OSError as error:
        raise Internal(f"the free space of {folder} cannot be read: {error}") from error
    free = disk.f_bavail * disk.f_frsize
    if free < NEEDED_BYTES + beyond:
        raise Internal(f"No space left on device: {folder} has {free} bytes free, {NEEDED_BYTES + beyond} are needed")
