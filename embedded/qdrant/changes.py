"""Changes of points and payloads: from requests to the engine's operations."""

from __future__ import annotations

from typing import Any

from qdrant_edge import Filter, UpdateMode, UpdateOperation

from .failures import bad_request, malformed
from .filters import filter_of, optional_filter
from .ids import PointId, json_path, json_paths, point_ids
from .payloads import payload
from .protocol import qdrant
from .vectors import VectorNames, point

UPDATE_MODES = {
    qdrant.UpdateMode.Upsert: UpdateMode.Upsert,
    qdrant.UpdateMode.InsertOnly: UpdateMode.InsertOnly,
    qdrant.UpdateMode.UpdateOnly: UpdateMode.UpdateOnly,
}


def upsert(message: qdrant.UpsertPoints, names: VectorNames) -> UpdateOperation:
    if not message.points:
        raise empty()
    mode = None
    if message.HasField("update_mode"):
        if message.update_mode not in UPDATE_MODES:
            raise malformed("Unknown update mode")
        mode = UPDATE_MODES[message.update_mode]
    condition = optional_filter(message, "update_filter")
    points = [point(given, names) for given in message.points]
    return UpdateOperation.upsert_points(points, condition, mode)


def delete(message: qdrant.DeletePoints) -> UpdateOperation:
    points = selected(message.points)
    if isinstance(points, Filter):
        return UpdateOperation.delete_points_by_filter(points)
    return UpdateOperation.delete_points(points)


def set_payload(message: qdrant.SetPayloadPoints) -> UpdateOperation:
    """Sets the given keys and keeps the others."""
    points, fields, key = payload_change(message)
    if isinstance(points, Filter):
        return UpdateOperation.set_payload_by_filter(points, fields, key)
    return UpdateOperation.set_payload(points, fields, key)


def overwrite_payload(message: qdrant.SetPayloadPoints) -> UpdateOperation:
    """Replaces the whole payload."""
    points, fields, key = payload_change(message)
    if isinstance(points, Filter):
        return UpdateOperation.overwrite_payload_by_filter(points, fields, key)
    return UpdateOperation.overwrite_payload(points, fields, key)


def payload_change(
    message: qdrant.SetPayloadPoints,
) -> tuple[list[PointId] | Filter, dict[str, Any], str | None]:
    points = selected(message.points_selector)
    key = json_path(message.key) if message.HasField("key") else None
    return points, payload(message.payload), key


def delete_payload(message: qdrant.DeletePayloadPoints) -> UpdateOperation:
    points, keys = selected(message.points_selector), json_paths(message.keys)
    if isinstance(points, Filter):
        return UpdateOperation.delete_payload_by_filter(points, keys)
    return UpdateOperation.delete_payload(points, keys)


def clear_payload(message: qdrant.ClearPayloadPoints) -> UpdateOperation:
    points = selected(message.points)
    if isinstance(points, Filter):
        return UpdateOperation.clear_payload_by_filter(points)
    return UpdateOperation.clear_payload(points)


def delete_index(message: qdrant.DeleteFieldIndexCollection) -> UpdateOperation:
    return UpdateOperation.delete_field_index(json_path(message.field_name))


def selected(selector: qdrant.PointsSelector) -> list[PointId] | Filter:
    """The points to change: their ids, or a filter."""
    kind = selector.WhichOneof("points_selector_one_of")
    if kind == "filter":
        return filter_of(selector.filter)
    if kind is None:
        raise malformed("PointSelector is missing")
    if not selector.points.ids:
        raise empty()
    return point_ids(selector.points.ids)


def empty() -> Exception:
    return bad_request("Empty update request")
