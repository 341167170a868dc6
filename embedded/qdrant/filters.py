"""Filters over payloads and ids."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import qdrant_edge as engine

from .failures import NotOffered, malformed
from .ids import json_path, point_ids
from .protocol import qdrant

Bounds = dict[str, Any]


class EngineBoolean:
    """A boolean for the engine's `MatchValue`, which treats Python's `bool` as an integer. It accepts NumPy's
    boolean, which it recognizes by the name of the type."""

    def __init__(self, value: bool) -> None:
        self._value = value

    def __bool__(self) -> bool:
        return self._value


EngineBoolean.__module__, EngineBoolean.__name__ = "numpy", "bool_"


def filter_of(message: qdrant.Filter) -> engine.Filter:
    least = None
    if message.HasField("min_should"):
        least = engine.MinShould(
            conditions=conditions(message.min_should.conditions) or [], min_count=message.min_should.min_count
        )
    return engine.Filter(
        must=conditions(message.must),
        should=conditions(message.should),
        must_not=conditions(message.must_not),
        min_should=least,
    )


def optional_filter(message: Any, field: str = "filter") -> engine.Filter | None:
    """The filter in `field` of a request, if it is set."""
    return filter_of(getattr(message, field)) if message.HasField(field) else None


def conditions(messages: Iterable[qdrant.Condition]) -> list[engine.ConditionType] | None:
    """An empty list means no condition, not a condition that never holds."""
    return [condition(message) for message in messages] or None


def condition(message: qdrant.Condition) -> Any:
    kind = message.WhichOneof("condition_one_of")
    if kind == "field":
        return field_condition(message.field)
    if kind == "is_empty":
        return engine.IsEmptyCondition(json_path(message.is_empty.key))
    if kind == "is_null":
        return engine.IsNullCondition(json_path(message.is_null.key))
    if kind == "has_id":
        return engine.HasIdCondition(set(point_ids(message.has_id.has_id)))
    if kind == "has_vector":
        return engine.HasVectorCondition(message.has_vector.has_vector)
    if kind == "filter":
        return filter_of(message.filter)
    if kind == "nested":
        inner = optional_filter(message.nested)
        if inner is None:
            raise malformed("Nested filter cannot be empty")
        return engine.NestedCondition(json_path(message.nested.key), inner)
    raise malformed("Malformed Condition type")


def field_condition(message: qdrant.FieldCondition) -> engine.FieldCondition:
    if any(message.HasField(geo) for geo in ("geo_bounding_box", "geo_radius", "geo_polygon")):
        raise NotOffered("a geo condition")
    parts = {
        "match": matching(message.match) if message.HasField("match") else None,
        "range": range_of(message),
        "values_count": values_count(message.values_count) if message.HasField("values_count") else None,
        "is_empty": message.is_empty if message.HasField("is_empty") else None,
        "is_null": message.is_null if message.HasField("is_null") else None,
    }
    key = json_path(message.key)
    if all(part is None for part in parts.values()):
        raise malformed("At least one field condition must be specified")
    return engine.FieldCondition(key, **parts)


def matching(message: qdrant.Match) -> Any:
    kind = message.WhichOneof("match_value")
    if kind in ("keyword", "integer"):
        return engine.MatchValue(getattr(message, kind))
    if kind == "boolean":
        value: Any = EngineBoolean(message.boolean)
        return engine.MatchValue(value)
    if kind == "text":
        return engine.MatchText(message.text)
    if kind == "text_any":
        return engine.MatchTextAny(message.text_any)
    if kind == "phrase":
        return engine.MatchPhrase(message.phrase)
    if kind == "keywords":
        return engine.MatchAny(list(message.keywords.strings))
    if kind == "integers":
        return engine.MatchAny(list(message.integers.integers))
    if kind == "except_keywords":
        return engine.MatchExcept(list(message.except_keywords.strings))
    if kind == "except_integers":
        return engine.MatchExcept(list(message.except_integers.integers))
    raise malformed("Malformed Match condition")


def range_of(message: qdrant.FieldCondition) -> Any:
    if message.HasField("range"):
        return engine.RangeFloat(**bounds(message.range))
    if message.HasField("datetime_range"):
        return engine.RangeDateTime(**bounds(message.datetime_range, datetime_text))
    return None


def values_count(message: qdrant.ValuesCount) -> engine.ValuesCount:
    return engine.ValuesCount(**bounds(message))


def bounds(message: Any, converted: Callable[[Any], Any] = lambda bound: bound) -> Bounds:
    """The bounds that are set."""
    names = ("lt", "gt", "gte", "lte")
    return {name: converted(getattr(message, name)) for name in names if message.HasField(name)}


def datetime_text(timestamp: Any) -> str:
    """A protobuf timestamp as the engine reads it (RFC 3339)."""
    try:
        return str(timestamp.ToJsonString())
    except ValueError:
        raise malformed(f"Unable to parse timestamp: {timestamp.seconds}.{timestamp.nanos:09}") from None
