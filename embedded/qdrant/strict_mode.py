"""Strict mode: refuses a filter on a field without a payload index that serves it, with the text of the Qdrant
server. Always on here, so that every test sees what a server in strict mode refuses."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from .failures import bad_request
from .protocol import qdrant

# The indexes that serve conditions on any value.
ANY_INDEX = frozenset({"keyword", "integer", "float", "geo", "text", "bool", "datetime", "uuid"})
GEO_FIELDS = ("geo_bounding_box", "geo_radius", "geo_polygon")
TEXT_MATCHES = ("text", "text_any", "phrase")
KEYWORDS_MATCHES = ("keywords", "except_keywords")
INTEGER_MATCHES = ("integer", "integers", "except_integers")


def check(request: Any, indexed: Mapping[str, str]) -> None:
    """Checks every filter of a request; `indexed` has the types of the indexes by field."""
    for message in filters(request):
        for field, serving in needs(message):
            if indexed.get(field) not in serving:
                raise bad_request(
                    f'Index required but not found for "{field}" of one of the following types: '
                    f"[{', '.join(sorted(serving))}]. Help: Create an index for this key or use a different filter."
                )


def filters(request: Any) -> Iterator[qdrant.Filter]:
    """The filters of a request, also of its inner queries."""
    for field in request.DESCRIPTOR.fields:
        kind = field.message_type.name if field.message_type is not None else ""
        value = getattr(request, field.name)
        if kind == "Filter" and request.HasField(field.name):
            yield value
        elif kind == "PointsSelector" and value.WhichOneof("points_selector_one_of") == "filter":
            yield value.filter
        elif kind in ("PrefetchQuery", "QueryPoints"):
            for query in value:
                yield from filters(query)


def needs(message: qdrant.Filter, within: str = "") -> Iterator[tuple[str, frozenset[str]]]:
    """The fields of a filter, each with the types of indexes of which one serves its condition."""
    for conditions in (message.must, message.should, message.must_not, message.min_should.conditions):
        yield from needs_of(conditions, within)


def needs_of(conditions: Iterable[qdrant.Condition], within: str) -> Iterator[tuple[str, frozenset[str]]]:
    for condition in conditions:
        kind = condition.WhichOneof("condition_one_of")
        if kind == "field":
            yield within + condition.field.key, serving(condition.field)
        elif kind in ("is_empty", "is_null"):
            yield within + getattr(condition, kind).key, ANY_INDEX
        elif kind == "filter":
            yield from needs(condition.filter, within)
        elif kind == "nested":
            yield from needs(condition.nested.filter, f"{within}{condition.nested.key}[].")


def serving(message: qdrant.FieldCondition) -> frozenset[str]:
    if message.HasField("match"):
        return serving_match(message.match)
    if message.HasField("range"):
        return frozenset({"integer", "float"})
    if message.HasField("datetime_range"):
        return frozenset({"datetime"})
    if any(message.HasField(geo) for geo in GEO_FIELDS):
        return frozenset({"geo"})
    return ANY_INDEX


def serving_match(message: qdrant.Match) -> frozenset[str]:
    kind = message.WhichOneof("match_value")
    if kind == "boolean":
        return frozenset({"bool"})
    if kind in INTEGER_MATCHES:
        return frozenset({"integer"})
    if kind in TEXT_MATCHES:
        return frozenset({"text"})
    texts = getattr(message, kind).strings if kind in KEYWORDS_MATCHES else [message.keyword]
    return frozenset({"keyword", "uuid"}) if all(map(is_uuid, texts)) else frozenset({"keyword"})


def is_uuid(text: str) -> bool:
    try:
        uuid.UUID(text)
    except ValueError:
        return False
    return True
