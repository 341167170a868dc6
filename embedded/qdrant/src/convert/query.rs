//! Queries: nearest neighbours, fusion of prefetched rankings, order and sample. Reads the shard only for its
//! configuration and for the vectors of points that a query names.

use qdrant_client::qdrant::query::Variant;
use qdrant_client::qdrant::start_from::Value as Start;
use qdrant_client::qdrant::{self as grpc};
use qdrant_edge::external::ordered_float::OrderedFloat;
use qdrant_edge::{
    AcornSearchParams, Condition, DEFAULT_VECTOR_NAME, Direction, EdgeShard, Filter, Fusion, HasIdCondition,
    NamedQuery, OrderBy, PointId, Prefetch, QuantizationSearchParams, QueryEnum, QueryRequest, Sample,
    ScoringQuery, SearchParams, StartFrom, VectorInternal, VectorStructInternal, WithPayloadInterface,
    WithVector,
};

use crate::convert::filter::{self, size};
use crate::convert::ids::{json_path, point_id};
use crate::convert::payload::with_payload;
use crate::convert::vectors::{self, Target, with_vectors};
use crate::failure::Failure;

/// The server's number of results, and of prefetched points, when the request names none.
const LIMIT: u64 = 10;

/// The server's constant of reciprocal rank fusion when the request names none.
const RRF_K: usize = 2;

/// The engine's query for a message's.
pub(crate) fn request(query: grpc::QueryPoints, shard: &EdgeShard) -> Result<QueryRequest, Failure> {
    refuse_lookup(query.lookup_from.as_ref())?;
    let limit = query.limit.unwrap_or(LIMIT);
    if limit == 0 {
        return Err(Failure::OutOfBounds("limit", "value 0 invalid, must be 1 or larger".to_owned()));
    }
    let mut filter = filter::optional(query.filter)?;
    Ok(QueryRequest {
        prefetches: prefetches(query.prefetch, shard)?,
        query: query.query.map(|asked| scoring(asked, query.using, &mut filter, shard)).transpose()?,
        filter,
        score_threshold: query.score_threshold.map(OrderedFloat),
        limit: size(limit),
        offset: size(query.offset.unwrap_or(0)),
        params: query.params.as_ref().map(search_params),
        with_vector: with_vectors(query.with_vectors),
        with_payload: with_payload(query.with_payload)?.unwrap_or(WithPayloadInterface::Bool(false)),
    })
}

fn prefetches(prefetch: Vec<grpc::PrefetchQuery>, shard: &EdgeShard) -> Result<Vec<Prefetch>, Failure> {
    prefetch.into_iter().map(|prefetch| self::prefetch(prefetch, shard)).collect()
}

fn prefetch(prefetch: grpc::PrefetchQuery, shard: &EdgeShard) -> Result<Prefetch, Failure> {
    refuse_lookup(prefetch.lookup_from.as_ref())?;
    let mut filter = filter::optional(prefetch.filter)?;
    Ok(Prefetch {
        prefetches: prefetches(prefetch.prefetch, shard)?,
        query: prefetch.query.map(|asked| scoring(asked, prefetch.using, &mut filter, shard)).transpose()?,
        limit: size(prefetch.limit.unwrap_or(LIMIT)),
        params: prefetch.params.as_ref().map(search_params),
        filter,
        score_threshold: prefetch.score_threshold.map(OrderedFloat),
    })
}

fn refuse_lookup(lookup: Option<&grpc::LookupLocation>) -> Result<(), Failure> {
    lookup.map_or(Ok(()), |_| Err(Failure::NotOffered("a look-up in another collection")))
}

fn scoring(
    query: grpc::Query,
    using: Option<String>,
    filter: &mut Option<Filter>,
    shard: &EdgeShard,
) -> Result<ScoringQuery, Failure> {
    match query.variant {
        Some(Variant::Nearest(input)) => nearest(input, using, filter, shard),
        Some(Variant::Fusion(kind)) => {
            refuse_using(using.as_ref())?;
            match grpc::Fusion::try_from(kind) {
                Ok(grpc::Fusion::Rrf) => Ok(ScoringQuery::Fusion(Fusion::Rrf { k: RRF_K, weights: None })),
                Ok(grpc::Fusion::Dbsf) => Ok(ScoringQuery::Fusion(Fusion::Dbsf)),
                Err(_) => Err(Failure::Malformed(format!("Unknown fusion type: {kind}"))),
            }
        }
        Some(Variant::Rrf(rrf)) => {
            refuse_using(using.as_ref())?;
            let weights =
                (!rrf.weights.is_empty()).then(|| rrf.weights.into_iter().map(OrderedFloat).collect());
            Ok(ScoringQuery::Fusion(Fusion::Rrf { k: rrf.k.map_or(RRF_K, |k| size(k.into())), weights }))
        }
        Some(Variant::OrderBy(order)) => Ok(ScoringQuery::OrderBy(order_by(order)?)),
        Some(Variant::Sample(_)) => Ok(ScoringQuery::Sample(Sample::Random)),
        Some(Variant::Recommend(_)) => Err(Failure::NotOffered("a recommend query")),
        Some(Variant::Discover(_)) => Err(Failure::NotOffered("a discover query")),
        Some(Variant::Context(_)) => Err(Failure::NotOffered("a context query")),
        Some(Variant::Formula(_)) => Err(Failure::NotOffered("a formula query")),
        Some(Variant::NearestWithMmr(_)) => Err(Failure::NotOffered("a query with MMR")),
        Some(Variant::RelevanceFeedback(_)) => Err(Failure::NotOffered("a relevance feedback query")),
        Some(Variant::Text(_)) => Err(Failure::NotOffered("a text query")),
        None => Err(Failure::Malformed("Query variant is missing".to_owned())),
    }
}

fn refuse_using(using: Option<&String>) -> Result<(), Failure> {
    match using {
        Some(_) => {
            let why = "Fusion queries cannot be combined with the 'using' field.";
            Err(Failure::BadRequest(why.to_owned()))
        }
        None => Ok(()),
    }
}

fn nearest(
    input: grpc::VectorInput,
    using: Option<String>,
    filter: &mut Option<Filter>,
    shard: &EdgeShard,
) -> Result<ScoringQuery, Failure> {
    let using = using.unwrap_or_else(|| DEFAULT_VECTOR_NAME.to_owned());
    let vector = match vectors::target(Some(input))? {
        Target::Vector(vector) => vector,
        Target::Point(id) => {
            let id = point_id(Some(id))?;
            let except = Filter::new_must_not(Condition::HasId(HasIdCondition::from_iter([id])));
            *filter = Filter::merge_opts(filter.take(), Some(except));
            vector_of(id, &using, shard)?
        }
    };
    vectors::check(&using, &vector, &shard.config())?;
    Ok(ScoringQuery::Vector(QueryEnum::Nearest(NamedQuery::new(vector, using))))
}

fn vector_of(id: PointId, name: &str, shard: &EdgeShard) -> Result<VectorInternal, Failure> {
    let selector = WithVector::Selector(vec![name.to_owned()]);
    let found = shard.retrieve(&[id], Some(WithPayloadInterface::Bool(false)), Some(selector))?;
    let record = found.into_iter().next().ok_or(Failure::MissingPoint(id))?;
    let vector = match record.vector {
        Some(VectorStructInternal::Single(values)) => Some(VectorInternal::Dense(values)),
        Some(VectorStructInternal::MultiDense(values)) => Some(VectorInternal::MultiDense(values)),
        Some(VectorStructInternal::Named(mut named)) => named.remove(name),
        None => None,
    };
    vector.ok_or_else(|| Failure::WrongInput(format!("Vector with name {name} for point {id} not found")))
}

/// The engine's order for a message's.
pub(crate) fn order_by(order: grpc::OrderBy) -> Result<OrderBy, Failure> {
    let direction = order.direction.map(|_| match order.direction() {
        grpc::Direction::Asc => Direction::Asc,
        grpc::Direction::Desc => Direction::Desc,
    });
    let start_from = match order.start_from.and_then(|start| start.value) {
        None => None,
        Some(Start::Float(number)) => Some(StartFrom::Float(number)),
        Some(Start::Integer(number)) => Some(StartFrom::Integer(number)),
        Some(Start::Timestamp(timestamp)) => Some(StartFrom::Datetime(filter::datetime(timestamp)?)),
        Some(Start::Datetime(text)) => Some(StartFrom::Datetime(
            text.parse().map_err(|_| Failure::Malformed(format!("Malformed datetime: {text}")))?,
        )),
    };
    Ok(OrderBy { key: json_path(&order.key)?, direction, start_from })
}

fn search_params(params: &grpc::SearchParams) -> SearchParams {
    SearchParams {
        hnsw_ef: params.hnsw_ef.map(size),
        exact: params.exact.unwrap_or(false),
        quantization: params.quantization.as_ref().map(|quantization| QuantizationSearchParams {
            ignore: quantization.ignore.unwrap_or(false),
            rescore: quantization.rescore,
            oversampling: quantization.oversampling,
        }),
        indexed_only: params.indexed_only.unwrap_or(false),
        acorn: params.acorn.as_ref().map(|acorn| AcornSearchParams {
            enable: acorn.enable.unwrap_or(false),
            max_selectivity: acorn.max_selectivity.map(OrderedFloat),
        }),
    }
}
