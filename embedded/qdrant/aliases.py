"""Aliases: second names of collections, changed all or none, kept in one small file."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable
from pathlib import Path

from .failures import Internal, collection_exists, malformed, missing_alias, missing_collection
from .protocol import qdrant

FILE = "aliases.json"

# Alias → collection.
Aliases = dict[str, str]


def changed(
    aliases: Aliases, actions: Iterable[qdrant.AliasOperations], exists: Callable[[str], bool]
) -> Aliases:
    """Returns `aliases` after `actions`; `exists` tells whether a collection has the name."""
    outcome = dict(aliases)
    for action in actions:
        kind = action.WhichOneof("action")
        if kind == "create_alias":
            create = action.create_alias
            if not exists(create.collection_name):
                raise missing_collection(create.collection_name)
            if exists(create.alias_name):
                raise collection_exists(create.alias_name)
            outcome[create.alias_name] = create.collection_name
        elif kind == "rename_alias":
            former, name = action.rename_alias.old_alias_name, action.rename_alias.new_alias_name
            if exists(name):
                raise collection_exists(name)
            if former not in outcome:
                raise missing_alias(former)
            outcome[name] = outcome.pop(former)
        elif kind == "delete_alias":
            outcome.pop(action.delete_alias.alias_name, None)
        else:
            raise malformed("Malformed AliasOperation type")
    return outcome


def load(root: Path) -> Aliases:
    """Reads the aliases from the data folder `root`."""
    file = root / FILE
    return dict(json.loads(file.read_text())) if file.exists() else {}


def save(root: Path, aliases: Aliases) -> None:
    draft = root / "passing" / FILE
    try:
        with draft.open("w") as file:
            json.dump(aliases, file)
            file.flush()
            os.fsync(file.fileno())
        draft.rename(root / FILE)
    except OSError as error:
        raise Internal(f"the aliases cannot be written: {error}") from error
