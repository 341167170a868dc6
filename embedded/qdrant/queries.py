"""Queries: nearest neighbours, fusion of prefetched rankings, order and sample. Reads the engine only for the
vectors of points that a query names."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import qdrant_edge as engine

from .failures import MissingPoint, NotOffered, WrongInput, bad_request, malformed, out_of_bounds
from .filters import datetime_text, optional_filter
from .ids import PointId, json_path
from .payloads import with_payload
from .protocol import qdrant
from .vectors import DEFAULT_NAME, VectorNames, query_target, with_vectors

# The default of the Qdrant server for the number of results and of prefetched points.
LIMIT = 10
# The default of the Qdrant server for the constant of reciprocal rank fusion.
RRF_K = 2
# The largest count that the engine accepts.
LARGEST_COUNT = 2**63 - 1

NOT_OFFERED = {
    "recommend": "a recommend query",
    "discover": "a discover query",
    "context": "a context query",
    "formula": "a formula query",
    "nearest_with_mmr": "a query with MMR",
    "relevance_feedback": "a relevance feedback query",
    "text": "a text query",
}


class QueryReader:
    """Translates the queries over one collection."""

    def __init__(self, shard: engine.EdgeShard, names: VectorNames) -> None:
        self.shard = shard
        self.names = names

    def request(self, message: qdrant.QueryPoints) -> engine.QueryRequest:
        refuse_lookup(message)
        limit = message.limit if message.HasField("limit") else LIMIT
        if limit == 0:
            raise out_of_bounds("limit", "value 0 invalid, must be 1 or larger")
        return engine.QueryRequest(
            limit=count(limit),
            offset=count(message.offset),
            prefetches=self.prefetches(message.prefetch),
            with_vector=with_vectors(message.with_vectors),
            with_payload=with_payload(message.with_payload, default=False),
            **self.ranking(message),
        )

    def prefetches(self, messages: Iterable[qdrant.PrefetchQuery]) -> list[engine.Prefetch]:
        return [self.prefetch(message) for message in messages]

    def prefetch(self, message: qdrant.PrefetchQuery) -> engine.Prefetch:
        refuse_lookup(message)
        limit = message.limit if message.HasField("limit") else LIMIT
        return engine.Prefetch(
            limit=count(limit), prefetches=self.prefetches(message.prefetch), **self.ranking(message)
        )

    def ranking(self, message: qdrant.QueryPoints | qdrant.PrefetchQuery) -> dict[str, Any]:
        """The common part of a query and a prefetch."""
        where = optional_filter(message)
        query = None
        if message.HasField("query"):
            using = message.using if message.HasField("using") else None
            query, excluded = self.scoring(message.query, using)
            if excluded is not None:
                without = engine.Filter(must_not=[engine.HasIdCondition({excluded})])
                where = without if where is None else engine.Filter(must=[where, without])
        return {
            "query": query,
            "filter": where,
            "params": search_params(message.params) if message.HasField("params") else None,
            "score_threshold": message.score_threshold if message.HasField("score_threshold") else None,
        }

    def scoring(self, message: qdrant.Query, using: str | None) -> tuple[Any, PointId | None]:
        """The engine's query, and the point to exclude from the results."""
        kind = message.WhichOneof("variant")
        if kind == "nearest":
            return self.nearest(message.nearest, DEFAULT_NAME if using is None else using)
        if kind in ("fusion", "rrf"):
            if using is not None:
                raise bad_request("Fusion queries cannot be combined with the 'using' field.")
            return (fusion(message.fusion) if kind == "fusion" else rrf(message.rrf)), None
        if kind == "order_by":
            return order_by(message.order_by), None
        if kind == "sample":
            return engine.Sample.Random, None
        if kind is None:
            raise malformed("Query variant is missing")
        raise NotOffered(NOT_OFFERED[kind])

    def nearest(self, message: qdrant.VectorInput, using: str) -> tuple[engine.Query, PointId | None]:
        target = query_target(message)
        if isinstance(target, (list, engine.SparseVector)):
            vector, excluded = target, None
        else:
            vector, excluded = self.vector_of(target, using), target
        self.names.check(using, vector)
        return engine.Query.Nearest(vector, using=using), excluded

    def vector_of(self, point: PointId, name: str) -> Any:
        found = self.shard.retrieve([point], False, [name])
        if not found:
            raise MissingPoint(str(point))
        vector: Any = found[0].vector
        if isinstance(vector, dict):
            vector = vector.get(name)
        if vector is None:
            raise WrongInput(f"Vector with name {name} for point {point} not found")
        return vector


def fusion(kind: int) -> Any:
    if kind == qdrant.Fusion.RRF:
        return engine.Fusion.Rrf(RRF_K)
    if kind == qdrant.Fusion.DBSF:
        return engine.Fusion.Dbsf()
    raise malformed(f"Unknown fusion type: {kind}")


def rrf(message: qdrant.Rrf) -> Any:
    k = message.k if message.HasField("k") else RRF_K
    return engine.Fusion.Rrf(k, weights=list(message.weights) or None)


def order_by(message: qdrant.OrderBy) -> engine.OrderBy:
    key, direction = json_path(message.key), None
    if message.HasField("direction"):
        descending = message.direction == qdrant.Direction.Desc
        direction = engine.Direction.Desc if descending else engine.Direction.Asc
    kind = message.start_from.WhichOneof("value")
    if kind is None:
        return engine.OrderBy(key, direction)
    start = getattr(message.start_from, kind)
    if kind == "timestamp":
        start = datetime_text(start)
    try:
        return engine.OrderBy(key, direction, start)
    except ValueError:
        raise malformed(f"Malformed datetime: {start}") from None


def search_params(message: qdrant.SearchParams) -> engine.SearchParams:
    quantization = acorn = None
    if message.HasField("quantization"):
        asked = message.quantization
        quantization = engine.QuantizationSearchParams(
            ignore=asked.ignore,
            rescore=asked.rescore if asked.HasField("rescore") else None,
            oversampling=asked.oversampling if asked.HasField("oversampling") else None,
        )
    if message.HasField("acorn"):
        selectivity = message.acorn.max_selectivity if message.acorn.HasField("max_selectivity") else None
        acorn = engine.AcornSearchParams(enable=message.acorn.enable, max_selectivity=selectivity)
    return engine.SearchParams(
        hnsw_ef=count(message.hnsw_ef) if message.HasField("hnsw_ef") else None,
        exact=message.exact,
        quantization=quantization,
        indexed_only=message.indexed_only,
        acorn=acorn,
    )


def refuse_lookup(message: qdrant.QueryPoints | qdrant.PrefetchQuery) -> None:
    if message.HasField("lookup_from"):
        raise NotOffered("a look-up in another collection")


def count(number: int) -> int:
    """A count of a message, limited to the range of the engine."""
    return min(number, LARGEST_COUNT)
