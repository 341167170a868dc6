"""The engine of one collection on disk: who may use it when, and what makes a change durable. Knows no gRPC.

The engine writes each change to its log before the call returns and reads the log back when it is opened, so an
answered change outlives a crash of the process. (The log reaches the disk itself by the kernel's own pace or with the
next flush: a crash of the machine may cost the last seconds, which is good enough for development and tests.)

The engine holds Python's interpreter lock during its calls, so that a long call stops the whole server. Flushing
therefore waits until the collection is left alone, or its log has grown; and graphs are built by another process
(`optimization`).
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable
from pathlib import Path
from threading import Lock
from typing import TypeVar

from qdrant_edge import EdgeConfig, EdgeShard, UpdateOperation

from . import failures
from .failures import Failure, Internal
from .generations import Generations
from .optimization import Baseline, Optimization, Outcome, Threshold, size_kb
from .shared_lock import SharedLock

LOG = logging.getLogger(__name__)
# Free space under which changes are refused: writing to a mapped file on a full disk kills the process.
NEEDED_BYTES = 128 * 1024 * 1024
# How long a collection that is written to without a pause stays unflushed: bounds the log that is read at a start.
LONGEST_UNFLUSHED_SECONDS = 30

T = TypeVar("T")


class Shard:
    """The engine of one collection. Changes are made one at a time; reading goes on beside them."""

    def __init__(self, name: str, home: Path, threshold: Threshold) -> None:
        """Opens the engine whose files are in the folder `home`."""
        self.name = name
        self._generations = Generations(home)
        self._threshold = threshold
        self._lock = SharedLock()
        self._engine: EdgeShard | None = load(self._generations.current)
        self._writing = Lock()
        self._changes = 0
        self._unflushed_since: float | None = None
        # Whether there were changes since the last call of `tend`, and since it last looked for work.
        self._touched = False
        self._settled = False
        self._baseline = Baseline.of(self._generations.current)
        self._optimization: Optimization | None = None

    @staticmethod
    def create(home: Path, config: EdgeConfig) -> None:
        """Makes the engine's files in the empty folder `home`."""
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

    def write(self, operation: UpdateOperation) -> int:
        """Makes a change, which then outlives a crash, and returns its number."""
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
        """Flushes, and starts or finishes an optimization where it pays. Meant to be called every few seconds; cheap
        where there is nothing to do."""
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
        """Waits for the calls under way, flushes and closes. Every later call finds the collection missing."""
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
        """Starts an optimization of a copy. Changes wait while the files are copied."""
        with self._writing, self._lock.shared():
            check_space(self._generations.home, size_kb(self._generations.current) * 1024)
            self._open_engine().flush()
            self._unflushed_since = None
            self._optimization = Optimization.start(self._generations)
        LOG.info("collection %s: optimizing", self.name)

    def _finish(self, optimization: Optimization, outcome: Outcome) -> None:
        """Goes over to the optimized copy, after it has the changes that came meanwhile."""
        with self._writing, self._lock.exclusive():
            if self._optimization is not optimization or self._engine is None:
                return
            self._optimization = None
            self._settled = False
            optimized = optimization.caught_up() if outcome is Outcome.OPTIMIZED else None
            if optimized is not None:
                self._engine.close()
                self._engine = optimized
                self._generations.adopt(optimization.folder)
                self._unflushed_since = None
                self._baseline = Baseline.of(optimization.folder)
            else:
                optimization.abandon()
                outcome = Outcome.FAILED if outcome is Outcome.OPTIMIZED else outcome
                if outcome is not Outcome.OVERTAKEN:
                    folder, info = self._generations.current, self._engine.info()
                    self._baseline = Baseline.unchanged(folder, info, self._threshold)
        LOG.info("collection %s: %s", self.name, outcome.value)


def load(folder: Path) -> EdgeShard:
    check_space(folder)
    try:
        return EdgeShard.load(str(folder))
    except Exception as error:
        raise failures.of_engine(error) from error


def apply(engine: EdgeShard, operation: UpdateOperation) -> Failure | None:
    """Why the engine refused the operation, if it did."""
    try:
        engine.update(operation)
    except Exception as error:
        return failures.of_engine(error)
    return None


def check_space(folder: Path, beyond: int = 0) -> None:
    """Refuses where `beyond` bytes more would leave too little space."""
    try:
        disk = os.statvfs(folder)
    except OSError as error:
        raise Internal(f"the free space of {folder} cannot be read: {error}") from error
    free = disk.f_bavail * disk.f_frsize
    if free < NEEDED_BYTES + beyond:
        raise Internal(f"No space left on device: {folder} has {free} bytes free, {NEEDED_BYTES + beyond} are needed")
