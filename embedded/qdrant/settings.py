"""The settings of a collection: translation of the request that creates it to the engine's configuration, and
to the description of the collection with the defaults of the Qdrant server."""

from __future__ import annotations

from typing import Any

import qdrant_edge as engine

from . import indexes
from .failures import NotOffered, malformed, out_of_bounds
from .protocol import qdrant
from .queries import count
from .vectors import DEFAULT_NAME, MULTIVECTOR, VectorNames

# Default amount of vectors, in KB, from which a segment gets a graph. Below it the engine compares all
# vectors, which is exact and fast enough for development.
INDEXING_THRESHOLD_KB = 100_000
LARGEST_VECTOR = 65_536
# The defaults of the engine, which the wheel does not expose.
HNSW: dict[str, Any] = {
    "m": 16,
    "ef_construct": 100,
    "full_scan_threshold": 10_000,
    "max_indexing_threads": 0,
    "on_disk": False,
}
OPTIMIZERS: dict[str, Any] = {
    "deleted_threshold": 0.2,
    "vacuum_min_vector_number": 1000,
    "default_segment_number": 0,
    "indexing_threshold": INDEXING_THRESHOLD_KB,
    "flush_interval_sec": 5,
}
WRITE_AHEAD_LOG = {"wal_capacity_mb": 32, "wal_segments_ahead": 0, "wal_retain_closed": 1}

DISTANCES = {
    qdrant.Distance.Cosine: engine.Distance.Cosine,
    qdrant.Distance.Euclid: engine.Distance.Euclid,
    qdrant.Distance.Dot: engine.Distance.Dot,
    qdrant.Distance.Manhattan: engine.Distance.Manhattan,
}
DATATYPES = {
    qdrant.Datatype.Default: engine.VectorStorageDatatype.Float32,
    qdrant.Datatype.Float32: engine.VectorStorageDatatype.Float32,
    qdrant.Datatype.Uint8: engine.VectorStorageDatatype.Uint8,
    qdrant.Datatype.Float16: engine.VectorStorageDatatype.Float16,
}


def engine_config(request: qdrant.CreateCollection) -> engine.EdgeConfig:
    refuse_unoffered(request)
    return engine.EdgeConfig(
        vectors={name: vector_params(params) for name, params in dense_vectors(request).items()},
        sparse_vectors={
            name: sparse_params(params) for name, params in request.sparse_vectors_config.map.items()
        },
        on_disk_payload=request.on_disk_payload if request.HasField("on_disk_payload") else True,
        hnsw_config=hnsw(request.hnsw_config),
        optimizers=optimizers(request.optimizers_config, indexing_threshold_kb(request)),
        # The log keeps answered changes when the process crashes.
        wal_enabled=True,
    )


def vector_names(request: qdrant.CreateCollection) -> VectorNames:
    dense = {name: params.size for name, params in dense_vectors(request).items()}
    return VectorNames(dense, frozenset(request.sparse_vectors_config.map))


def dense_vectors(request: qdrant.CreateCollection) -> dict[str, qdrant.VectorParams]:
    kind = request.vectors_config.WhichOneof("config")
    if kind == "params":
        return {DEFAULT_NAME: request.vectors_config.params}
    return dict(request.vectors_config.params_map.map)


def indexing_threshold_kb(request: qdrant.CreateCollection) -> int:
    """0 means that no graph is ever built."""
    threshold = optional(request.optimizers_config, "indexing_threshold")
    return INDEXING_THRESHOLD_KB if threshold is None else count(threshold)


def refuse_unoffered(request: qdrant.CreateCollection) -> None:
    if request.HasField("quantization_config"):
        raise NotOffered("quantization")
    if request.sharding_method == qdrant.ShardingMethod.Custom:
        raise NotOffered("custom sharding")
    if request.strict_mode_config.enabled:
        raise NotOffered("strict mode")


def vector_params(message: qdrant.VectorParams) -> engine.EdgeVectorParams:
    if message.HasField("quantization_config"):
        raise NotOffered("quantization")
    if message.HasField("multivector_config"):
        raise NotOffered(MULTIVECTOR)
    if not 1 <= message.size <= LARGEST_VECTOR:
        reason = f"value {message.size} invalid, must be from 1 to {LARGEST_VECTOR}"
        raise out_of_bounds("vectors_config.size", reason)
    if message.distance not in DISTANCES:
        raise malformed("Unknown distance")
    return engine.EdgeVectorParams(
        size=message.size,
        distance=DISTANCES[message.distance],
        on_disk=optional(message, "on_disk"),
        datatype=datatype(message),
        hnsw_config=hnsw(message.hnsw_config) if message.HasField("hnsw_config") else None,
    )


def sparse_params(message: qdrant.SparseVectorParams) -> engine.EdgeSparseVectorParams:
    index = message.index
    return engine.EdgeSparseVectorParams(
        full_scan_threshold=optional(index, "full_scan_threshold"),
        on_disk=optional(index, "on_disk"),
        modifier=engine.Modifier.Idf if message.modifier == qdrant.Modifier.Idf else None,
        datatype=datatype(index),
    )


def datatype(message: Any) -> engine.VectorStorageDatatype | None:
    if not message.HasField("datatype"):
        return None
    if message.datatype not in DATATYPES:
        raise malformed("Cannot convert datatype")
    return DATATYPES[message.datatype]


def hnsw(diff: qdrant.HnswConfigDiff) -> engine.HnswIndexConfig:
    return engine.HnswIndexConfig(**hnsw_values(diff))


def hnsw_values(diff: qdrant.HnswConfigDiff) -> dict[str, Any]:
    return {**HNSW, **given(diff, *HNSW, "payload_m", "inline_storage")}


def optimizers(diff: qdrant.OptimizersConfigDiff, threshold_kb: int) -> engine.EdgeOptimizersConfig:
    names = ("deleted_threshold", "vacuum_min_vector_number", "default_segment_number", "max_segment_size")
    return engine.EdgeOptimizersConfig(**given(diff, *names), indexing_threshold=threshold_kb)


def optional(message: Any, field: str) -> Any:
    return getattr(message, field) if message.HasField(field) else None


def given(message: Any, *fields: str) -> dict[str, Any]:
    """The fields that are set."""
    return {field: getattr(message, field) for field in fields if message.HasField(field)}


def description(request: qdrant.CreateCollection, now: engine.ShardInfo) -> qdrant.CollectionInfo:
    """The settings of a collection and its present state."""
    return qdrant.CollectionInfo(
        status=qdrant.CollectionStatus.Green,
        optimizer_status=qdrant.OptimizerStatus(ok=True),
        segments_count=now.segments_count,
        config=described_config(request),
        payload_schema={key: indexes.description(index) for key, index in now.payload_schema.items()},
        points_count=now.points_count,
        indexed_vectors_count=now.indexed_vectors_count,
    )


def described_config(request: qdrant.CreateCollection) -> qdrant.CollectionConfig:
    params = qdrant.CollectionParams(
        shard_number=optional(request, "shard_number") or 1,
        on_disk_payload=request.on_disk_payload if request.HasField("on_disk_payload") else True,
        replication_factor=optional(request, "replication_factor") or 1,
        write_consistency_factor=optional(request, "write_consistency_factor") or 1,
    )
    for field in ("vectors_config", "sparse_vectors_config"):
        if request.HasField(field):
            getattr(params, field).CopyFrom(getattr(request, field))
    optimizer_config = qdrant.OptimizersConfigDiff(**OPTIMIZERS)
    optimizer_config.MergeFrom(request.optimizers_config)
    return qdrant.CollectionConfig(
        params=params,
        hnsw_config=qdrant.HnswConfigDiff(**hnsw_values(request.hnsw_config)),
        optimizer_config=optimizer_config,
        wal_config=qdrant.WalConfigDiff(**WRITE_AHEAD_LOG),
        metadata=request.metadata,
    )
