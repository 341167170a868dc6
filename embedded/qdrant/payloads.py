"""Payloads: the JSON object of a point, and the part of it that an answer carries."""

from __future__ import annotations

import math
from collections.abc import Mapping, MutableMapping
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


def write_payload(message: MutableMapping[str, qdrant.Value], fields: Mapping[str, Any] | None) -> None:
    for key, value in (fields or {}).items():
        write_value(message[key], value)


def write_value(message: qdrant.Value, value: Any) -> None:
    if value is None:
        message.null_value = qdrant.NULL_VALUE
    elif isinstance(value, bool):
        message.bool_value = value
    elif isinstance(value, str):
        message.string_value = value
    elif isinstance(value, int) and LOWEST_INTEGER <= value <= HIGHEST_INTEGER:
        message.integer_value = value
    elif isinstance(value, (int, float)):
        message.double_value = value
    elif isinstance(value, dict):
        # An empty object or list is a value too.
        message.struct_value.SetInParent()
        write_payload(message.struct_value.fields, value)
    else:
        message.list_value.SetInParent()
        for element in value:
            write_value(message.list_value.values.add(), element)


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
