"""The collections and aliases by name, and the data folder they are in.

    <data>/lock                          locked while a process uses the folder
    <data>/aliases.json                  alias → collection
    <data>/collections/<name>/request    the request that created the collection (protobuf)
    <data>/collections/<name>/shard/     the engine's files (`generations`)
    <data>/passing/                      collections being created or deleted; emptied at start

Collections are created and deleted by renaming their folder: a crash leaves no partial collection.
"""

from __future__ import annotations

import fcntl
import logging
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from . import aliases, names, settings
from .failures import Failure, Internal, WrongInput, collection_exists, missing_collection
from .optimization import Threshold
from .protocol import qdrant
from .shard import Shard
from .shared_lock import SharedLock
from .vectors import VectorNames

LOG = logging.getLogger(__name__)


class Unusable(Exception):
    """The data folder cannot be used."""


@dataclass(frozen=True)
class Collection:
    # The request that created it.
    request: qdrant.CreateCollection
    vectors: VectorNames
    shard: Shard

    @classmethod
    def open(cls, request: qdrant.CreateCollection, home: Path) -> Collection:
        vectors = settings.vector_names(request)
        threshold = Threshold(
            unindexed_kb=settings.indexing_threshold_kb(request),
            vectors_per_point=len(vectors.dense) + len(vectors.sparse),
            dimensions=max(vectors.dense.values(), default=0),
        )
        return cls(request, vectors, Shard(request.collection_name, home, threshold))


class Catalog:
    """All collections of one data folder."""

    def __init__(self, root: Path) -> None:
        """Opens the folder, creating it where it is missing, and every collection in it."""
        try:
            self._lock_file = prepare(root)
        except OSError as error:
            raise Unusable(f"the data folder {root} cannot be used: {error.strerror or error}") from error
        self._root = root
        self._lock = SharedLock()
        self._aliases = aliases.load(root)
        self._collections: dict[str, Collection] = {}
        for home in sorted((root / "collections").iterdir()):
            self._load(home)

    def get(self, name: str) -> Collection:
        """The collection with the name or alias `name`."""
        with self._lock.shared():
            collection = self._collections.get(self._aliases.get(name, name))
        if collection is None:
            raise missing_collection(name)
        return collection

    def exists(self, name: str) -> bool:
        with self._lock.shared():
            return self._aliases.get(name, name) in self._collections

    def names(self) -> list[str]:
        with self._lock.shared():
            return sorted(self._collections)

    def create(self, request: qdrant.CreateCollection) -> None:
        name = request.collection_name
        names.check(name)
        with self._lock.exclusive():
            if name in self._collections:
                raise collection_exists(name)
            if name in self._aliases:
                raise WrongInput(
                    f"Can't create collection with name {name}. Alias with the same name already exists"
                )
            config = settings.engine_config(request)
            try:
                passing = self._passing(name)
                passing.mkdir()
                (passing / "request").write_bytes(request.SerializeToString())
                Shard.create(passing, config)
                home = passing.rename(self._root / "collections" / name)
            except OSError as error:
                raise Internal(f"collection {name} cannot be created: {error}") from error
            self._collections[name] = Collection.open(request, home)

    def delete(self, name: str) -> bool:
        """Deletes the collection `name`; an alias does not count. Returns whether it existed."""
        with self._lock.exclusive():
            collection = self._collections.get(name)
            if collection is None:
                return False
            collection.shard.close()
            del self._collections[name]
            try:
                shutil.rmtree((self._root / "collections" / name).rename(self._passing(name)))
            except OSError as error:
                raise Internal(f"collection {name} cannot be deleted: {error}") from error
            left = {alias: target for alias, target in self._aliases.items() if target != name}
            if left != self._aliases:
                self._aliases = left
                aliases.save(self._root, left)
            return True

    def change_aliases(self, actions: Iterable[qdrant.AliasOperations]) -> None:
        """Applies all changes or none."""
        with self._lock.exclusive():
            outcome = aliases.changed(self._aliases, actions, self._collections.__contains__)
            aliases.save(self._root, outcome)
            self._aliases = outcome

    def aliases(self) -> list[tuple[str, str]]:
        """All aliases with their collections."""
        with self._lock.shared():
            return sorted(self._aliases.items())

    def tend(self) -> None:
        """Runs the maintenance of every collection; see `Shard.tend`."""
        with self._lock.shared():
            collections = list(self._collections.items())
        for name, collection in collections:
            try:
                collection.shard.tend()
            except Exception as error:
                if self.exists(name):
                    LOG.warning("collection %s: maintenance failed: %s", name, error)

    def close(self) -> None:
        """Flushes and closes every collection."""
        with self._lock.exclusive():
            for name, collection in self._collections.items():
                try:
                    collection.shard.close()
                except Exception:
                    LOG.exception("collection %s cannot be closed", name)
            self._collections.clear()

    def _load(self, home: Path) -> None:
        request = qdrant.CreateCollection()
        try:
            request.ParseFromString((home / "request").read_bytes())
            self._collections[request.collection_name] = Collection.open(request, home)
        except (OSError, Failure) as error:
            raise Unusable(f"the collection in {home} cannot be opened: {error}") from error

    def _passing(self, name: str) -> Path:
        """A folder for a collection that is being created or deleted; removes the remains of an earlier
        failure."""
        passing = self._root / "passing" / name
        if passing.exists():
            shutil.rmtree(passing)
        return passing


def prepare(root: Path) -> IO[str]:
    """Creates the folders and locks them against other processes."""
    (root / "collections").mkdir(parents=True, exist_ok=True)
    lock = (root / "lock").open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise OSError("another process is using it") from None
    shutil.rmtree(root / "passing", ignore_errors=True)
    (root / "passing").mkdir()
    return lock
