"""Point ids and paths into payloads."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from qdrant_edge import IsNullCondition

from .failures import malformed
from .protocol import qdrant

# The engine also accepts the text of a UUID; it returns numbers and UUIDs.
PointId = int | UUID | str


def point_id(message: qdrant.PointId) -> PointId:
    kind = message.WhichOneof("point_id_options")
    if kind == "num":
        return message.num
    if kind == "uuid":
        try:
            return UUID(message.uuid)
        except ValueError:
            raise malformed(f"Unable to parse UUID: {message.uuid}") from None
    raise malformed("Empty ID is not allowed")


def point_ids(messages: Iterable[qdrant.PointId]) -> list[PointId]:
    return [point_id(message) for message in messages]


def id_message(point: PointId) -> qdrant.PointId:
    return qdrant.PointId(num=point) if isinstance(point, int) else qdrant.PointId(uuid=str(point))


def json_path(key: str) -> str:
    """Checks that `key` is a path such as `document.title` by the engine's grammar, and returns it."""
    try:
        IsNullCondition(key)
    except ValueError:
        raise malformed(f"Invalid json path: '{key}'") from None
    return key


def json_paths(keys: Iterable[str]) -> list[str]:
    return [json_path(key) for key in keys]
