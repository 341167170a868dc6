"""Payloads: the JSON object of a point, and the part of it that an answer carries."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from qdrant_edge import PayloadSelector

from .ids import json_paths
from .protocol import qdrant

LOWEST_INTEGER, HIGHEST_INTEGER = -(2**63), 2**63 - 1

WithPayload = bool | PayloadSelector


def payload(fields: Mapping[str, qdrant.Value]) -> dict[str, Any]:
    return {key: value_of(value) for key, value in fields.items()}


def value_of(value: qdrant.Value) -> Any:
    kind = value.WhichOneof("kind")
    if kind is None or kind == "null_value":
        return None
    if kind == "struct_value":
        return payload(value.struct_value.fields)
    if kind == "list_value":
        return [value_of(element) for element in value.list_value.values]
    if kind == "double_value":
        # JSON has no infinity and no NaN.
        return value.double_value if math.isfinite(value.double_value) else None
    return getattr(value, kind)


def value_message(value: Any) -> qdrant.Value:
    if value is None:
        return qdrant.Value(null_value=qdrant.NULL_VALUE)
    if isinstance(value, bool):
        return qdrant.Value(bool_value=value)
    if isinstance(value, str):
        return qdrant.Value(string_value=value)
    if isinstance(value, int) and LOWEST_INTEGER <= value <= HIGHEST_INTEGER:
        return qdrant.Value(integer_value=value)
    if isinstance(value, (int, float)):
        return qdrant.Value(double_value=value)
    if isinstance(value, dict):
        return qdrant.Value(struct_value=qdrant.Struct(fields=payload_message(value)))
    return qdrant.Value(list_value=qdrant.ListValue(values=[value_message(element) for element in value]))


def payload_message(fields: Mapping[str, Any] | None) -> dict[str, qdrant.Value]:
    return {key: value_message(value) for key, value in (fields or {}).items()}


def with_payload(selector: qdrant.WithPayloadSelector, default: bool) -> WithPayload:
    """The requested part of the payload; `default` if the request has no selector."""
    kind = selector.WhichOneof("selector_options")
    if kind == "enable":
        return selector.enable
    if kind == "include":
        return PayloadSelector.Include(json_paths(selector.include.fields))
    if kind == "exclude":
        return PayloadSelector.Exclude(json_paths(selector.exclude.fields))
    return default
