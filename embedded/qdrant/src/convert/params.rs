//! What a collection is created with: from the request to the engine's configuration and back into the description
//! that the server gives of a collection, its defaults filled in.
#![expect(
    deprecated,
    reason = "the server whose behaviour this is knows `on_disk` and not yet its successor"
)]

use std::collections::HashMap;
use std::num::NonZeroUsize;

use qdrant_client::qdrant::vectors_config::Config;
use qdrant_client::qdrant::{self as grpc, CollectionStatus, CreateCollection, Datatype};
use qdrant_edge::{
    DEFAULT_VECTOR_NAME, Distance, EdgeConfig, EdgeOptimizersConfig, EdgeSparseVectorParams,
    EdgeVectorParams, HnswIndexConfig, Modifier, ShardInfo, VectorStorageDatatype, WalOptions,
};

use crate::convert::fields;
use crate::convert::filter::size;
use crate::failure::Failure;

/// Vectors, in KB, from which a segment gets a graph index unless the request says otherwise. Below, every vector is
/// compared: exact, and fast enough for development.
const INDEXING_THRESHOLD_KB: u64 = 100_000;

/// Size of one file of the engine's log, in bytes.
const LOG_FILE: usize = 8 * 1024 * 1024;

const LARGEST_VECTOR: u64 = 65_536;

/// The engine's configuration for the collection that `request` asks for.
pub(crate) fn engine_config(request: &CreateCollection) -> Result<EdgeConfig, Failure> {
    refuse_unoffered(request)?;
    let mut vectors = HashMap::new();
    match request.vectors_config.as_ref().and_then(|config| config.config.as_ref()) {
        None => {}
        Some(Config::Params(params)) => {
            vectors.insert(DEFAULT_VECTOR_NAME.to_owned(), vector_params(params)?);
        }
        Some(Config::ParamsMap(named)) => {
            for (name, params) in &named.map {
                vectors.insert(name.clone(), vector_params(params)?);
            }
        }
    }
    let mut sparse_vectors = HashMap::new();
    for (name, params) in request.sparse_vectors_config.iter().flat_map(|config| &config.map) {
        sparse_vectors.insert(name.clone(), sparse_params(params)?);
    }
    Ok(EdgeConfig {
        on_disk_payload: request.on_disk_payload.unwrap_or(true),
        vectors,
        sparse_vectors,
        hnsw_config: hnsw(request.hnsw_config.as_ref()),
        quantization_config: None,
        optimizers: optimizers(request.optimizers_config.as_ref()),
        wal_options: Some(WalOptions {
            segment_capacity: LOG_FILE,
            segment_queue_len: 0,
            retain_closed: NonZeroUsize::MIN,
        }),
    })
}

fn refuse_unoffered(request: &CreateCollection) -> Result<(), Failure> {
    if request.quantization_config.is_some() {
        return Err(Failure::NotOffered("quantization"));
    }
    if request.sharding_method() == grpc::ShardingMethod::Custom {
        return Err(Failure::NotOffered("custom sharding"));
    }
    if request.strict_mode_config.as_ref().is_some_and(grpc::StrictModeConfig::enabled) {
        return Err(Failure::NotOffered("strict mode"));
    }
    Ok(())
}

fn vector_params(params: &grpc::VectorParams) -> Result<EdgeVectorParams, Failure> {
    if params.quantization_config.is_some() {
        return Err(Failure::NotOffered("quantization"));
    }
    if params.multivector_config.is_some() {
        return Err(Failure::NotOffered("a multivector"));
    }
    if params.size == 0 || params.size > LARGEST_VECTOR {
        let why = format!("value {} invalid, must be from 1 to {LARGEST_VECTOR}", params.size);
        return Err(Failure::OutOfBounds("vectors_config.size", why));
    }
    let distance = match params.distance() {
        grpc::Distance::UnknownDistance => {
            return Err(Failure::Malformed("Unknown distance".to_owned()));
        }
        grpc::Distance::Cosine => Distance::Cosine,
        grpc::Distance::Euclid => Distance::Euclid,
        grpc::Distance::Dot => Distance::Dot,
        grpc::Distance::Manhattan => Distance::Manhattan,
    };
    Ok(EdgeVectorParams {
        size: size(params.size),
        distance,
        on_disk: params.on_disk,
        multivector_config: None,
        datatype: params.datatype.map(datatype).transpose()?,
        quantization_config: None,
        hnsw_config: params.hnsw_config.as_ref().map(|diff| hnsw(Some(diff))),
    })
}

fn sparse_params(params: &grpc::SparseVectorParams) -> Result<EdgeSparseVectorParams, Failure> {
    let index = params.index.as_ref();
    Ok(EdgeSparseVectorParams {
        full_scan_threshold: index.and_then(|index| index.full_scan_threshold).map(size),
        on_disk: index.and_then(|index| index.on_disk),
        modifier: params.modifier.map(|_| match params.modifier() {
            grpc::Modifier::None => Modifier::None,
            grpc::Modifier::Idf => Modifier::Idf,
        }),
        datatype: index.and_then(|index| index.datatype).map(datatype).transpose()?,
    })
}

fn datatype(number: i32) -> Result<VectorStorageDatatype, Failure> {
    match Datatype::try_from(number) {
        Ok(Datatype::Default | Datatype::Float32) => Ok(VectorStorageDatatype::Float32),
        Ok(Datatype::Uint8) => Ok(VectorStorageDatatype::Uint8),
        Ok(Datatype::Float16) => Ok(VectorStorageDatatype::Float16),
        Ok(Datatype::Turbo4 | Datatype::Turbo8 | Datatype::Turbo16) | Err(_) => {
            Err(Failure::Malformed("Cannot convert datatype".to_owned()))
        }
    }
}

fn hnsw(diff: Option<&grpc::HnswConfigDiff>) -> HnswIndexConfig {
    let default = HnswIndexConfig::default();
    let Some(diff) = diff else { return default };
    HnswIndexConfig {
        m: diff.m.map_or(default.m, size),
        ef_construct: diff.ef_construct.map_or(default.ef_construct, size),
        full_scan_threshold: diff.full_scan_threshold.map_or(default.full_scan_threshold, size),
        max_indexing_threads: diff.max_indexing_threads.map_or(default.max_indexing_threads, size),
        on_disk: diff.on_disk.or(default.on_disk),
        payload_m: diff.payload_m.map(size),
        inline_storage: diff.inline_storage,
    }
}

fn optimizers(diff: Option<&grpc::OptimizersConfigDiff>) -> EdgeOptimizersConfig {
    let diff = diff.copied().unwrap_or_default();
    EdgeOptimizersConfig {
        deleted_threshold: diff.deleted_threshold,
        vacuum_min_vector_number: diff.vacuum_min_vector_number.map(size),
        default_segment_number: diff.default_segment_number.map(size),
        max_segment_size: diff.max_segment_size.map(size),
        indexing_threshold: Some(size(diff.indexing_threshold.unwrap_or(INDEXING_THRESHOLD_KB))),
        prevent_unoptimized: None,
    }
}

/// How a collection is described: what it was created with, and how it stands now.
pub(crate) fn description(request: CreateCollection, now: ShardInfo) -> grpc::CollectionInfo {
    grpc::CollectionInfo {
        status: CollectionStatus::Green.into(),
        optimizer_status: Some(grpc::OptimizerStatus { ok: true, error: String::new() }),
        segments_count: now.segments_count as u64,
        config: Some(described_config(request)),
        payload_schema: now
            .payload_schema
            .into_iter()
            .map(|(path, info)| (path.to_string(), fields::grpc_info(info)))
            .collect(),
        points_count: Some(now.points_count as u64),
        indexed_vectors_count: Some(now.indexed_vectors_count as u64),
        ..Default::default()
    }
}

fn described_config(request: CreateCollection) -> grpc::CollectionConfig {
    let hnsw = hnsw(request.hnsw_config.as_ref());
    let optimizers = request.optimizers_config.unwrap_or_default();
    grpc::CollectionConfig {
        params: Some(grpc::CollectionParams {
            shard_number: request.shard_number.unwrap_or(1),
            on_disk_payload: request.on_disk_payload.unwrap_or(true),
            vectors_config: request.vectors_config,
            replication_factor: Some(request.replication_factor.unwrap_or(1)),
            write_consistency_factor: Some(request.write_consistency_factor.unwrap_or(1)),
            sparse_vectors_config: request.sparse_vectors_config,
            ..Default::default()
        }),
        hnsw_config: Some(grpc::HnswConfigDiff {
            m: Some(hnsw.m as u64),
            ef_construct: Some(hnsw.ef_construct as u64),
            full_scan_threshold: Some(hnsw.full_scan_threshold as u64),
            max_indexing_threads: Some(hnsw.max_indexing_threads as u64),
            on_disk: hnsw.on_disk,
            payload_m: hnsw.payload_m.map(|m| m as u64),
            inline_storage: hnsw.inline_storage,
            ..Default::default()
        }),
        optimizer_config: Some(grpc::OptimizersConfigDiff {
            deleted_threshold: Some(optimizers.deleted_threshold.unwrap_or(0.2)),
            vacuum_min_vector_number: Some(optimizers.vacuum_min_vector_number.unwrap_or(1000)),
            default_segment_number: Some(optimizers.default_segment_number.unwrap_or(0)),
            indexing_threshold: Some(optimizers.indexing_threshold.unwrap_or(INDEXING_THRESHOLD_KB)),
            flush_interval_sec: Some(optimizers.flush_interval_sec.unwrap_or(5)),
            ..optimizers
        }),
        wal_config: Some(grpc::WalConfigDiff {
            wal_capacity_mb: Some((LOG_FILE / (1024 * 1024)) as u64),
            wal_segments_ahead: Some(0),
            wal_retain_closed: Some(1),
        }),
        quantization_config: None,
        strict_mode_config: None,
        metadata: request.metadata,
    }
}
