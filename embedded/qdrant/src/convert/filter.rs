//! Filters over payloads and ids.

use chrono::DateTime;
use qdrant_client::qdrant::condition::ConditionOneOf;
use qdrant_client::qdrant::r#match::MatchValue as GrpcMatch;
use qdrant_client::qdrant::{self as grpc};
use qdrant_edge::external::ordered_float::OrderedFloat;
use qdrant_edge::{
    AnyVariants, Condition, DateTimeWrapper, FieldCondition, Filter, HasIdCondition, HasVectorCondition,
    IsEmptyCondition, IsNullCondition, Match, MatchAny, MatchExcept, MatchPhrase, MatchText, MatchTextAny,
    MatchValue, MinShould, Nested, NestedCondition, Range, RangeInterface, ValueVariants, ValuesCount,
};

use crate::convert::ids::{json_path, point_ids};
use crate::failure::Failure;

const GEO: Failure = Failure::NotOffered("a geo condition");

/// The engine's filter for a message's, if there is one.
pub(crate) fn optional(filter: Option<grpc::Filter>) -> Result<Option<Filter>, Failure> {
    filter.map(required).transpose()
}

/// The engine's filter for a message's.
pub(crate) fn required(filter: grpc::Filter) -> Result<Filter, Failure> {
    let min_should = filter
        .min_should
        .map(|least| {
            Ok::<_, Failure>(MinShould {
                conditions: conditions(least.conditions)?.unwrap_or_default(),
                min_count: size(least.min_count),
            })
        })
        .transpose()?;
    Ok(Filter {
        should: conditions(filter.should)?,
        min_should,
        must: conditions(filter.must)?,
        must_not: conditions(filter.must_not)?,
    })
}

/// No conditions mean none given, not "none of these can hold".
fn conditions(conditions: Vec<grpc::Condition>) -> Result<Option<Vec<Condition>>, Failure> {
    if conditions.is_empty() {
        return Ok(None);
    }
    conditions.into_iter().map(condition).collect::<Result<_, _>>().map(Some)
}

fn condition(condition: grpc::Condition) -> Result<Condition, Failure> {
    Ok(match condition.condition_one_of {
        Some(ConditionOneOf::Field(field)) => Condition::Field(field_condition(field)?),
        Some(ConditionOneOf::IsEmpty(empty)) => {
            Condition::IsEmpty(IsEmptyCondition::from(json_path(&empty.key)?))
        }
        Some(ConditionOneOf::IsNull(null)) => Condition::IsNull(IsNullCondition::from(json_path(&null.key)?)),
        Some(ConditionOneOf::HasId(ids)) => {
            Condition::HasId(point_ids(ids.has_id)?.into_iter().collect::<HasIdCondition>())
        }
        Some(ConditionOneOf::HasVector(vector)) => {
            Condition::HasVector(HasVectorCondition::from(vector.has_vector))
        }
        Some(ConditionOneOf::Filter(filter)) => Condition::Filter(required(filter)?),
        Some(ConditionOneOf::Nested(nested)) => Condition::Nested(NestedCondition::new(Nested {
            key: json_path(&nested.key)?,
            filter: optional(nested.filter)?
                .ok_or_else(|| Failure::Malformed("Nested filter cannot be empty".to_owned()))?,
        })),
        Some(ConditionOneOf::Slice(_)) | None => {
            return Err(Failure::Malformed("Malformed Condition type".to_owned()));
        }
    })
}

fn field_condition(field: grpc::FieldCondition) -> Result<FieldCondition, Failure> {
    if field.geo_bounding_box.is_some() || field.geo_radius.is_some() || field.geo_polygon.is_some() {
        return Err(GEO);
    }
    let range = match (field.range, field.datetime_range) {
        (Some(range), _) => Some(RangeInterface::Float(number_range(range))),
        (None, Some(range)) => Some(RangeInterface::DateTime(datetime_range(range)?)),
        (None, None) => None,
    };
    let condition = FieldCondition {
        key: json_path(&field.key)?,
        r#match: field.r#match.map(matching).transpose()?,
        range,
        geo_bounding_box: None,
        geo_radius: None,
        geo_polygon: None,
        values_count: field.values_count.map(values_count),
        is_empty: field.is_empty,
        is_null: field.is_null,
    };
    if condition.all_fields_none() {
        return Err(Failure::Malformed("At least one field condition must be specified".to_owned()));
    }
    Ok(condition)
}

fn matching(matching: grpc::Match) -> Result<Match, Failure> {
    let value =
        matching.match_value.ok_or_else(|| Failure::Malformed("Malformed Match condition".to_owned()))?;
    Ok(match value {
        GrpcMatch::Keyword(keyword) => Match::Value(MatchValue { value: ValueVariants::String(keyword) }),
        GrpcMatch::Integer(integer) => Match::Value(MatchValue { value: ValueVariants::Integer(integer) }),
        GrpcMatch::Boolean(flag) => Match::Value(MatchValue { value: ValueVariants::Bool(flag) }),
        GrpcMatch::Text(text) => Match::Text(MatchText { text }),
        GrpcMatch::TextAny(text_any) => Match::TextAny(MatchTextAny { text_any }),
        GrpcMatch::Phrase(phrase) => Match::Phrase(MatchPhrase { phrase }),
        GrpcMatch::Keywords(any) => Match::Any(MatchAny { any: strings(any) }),
        GrpcMatch::Integers(any) => Match::Any(MatchAny { any: integers(any) }),
        GrpcMatch::ExceptKeywords(except) => Match::Except(MatchExcept { except: strings(except) }),
        GrpcMatch::ExceptIntegers(except) => Match::Except(MatchExcept { except: integers(except) }),
        GrpcMatch::Prefix(_) | GrpcMatch::Substring(_) => {
            return Err(Failure::Malformed("Malformed Match condition".to_owned()));
        }
    })
}

fn strings(values: grpc::RepeatedStrings) -> AnyVariants {
    AnyVariants::Strings(values.strings.into_iter().collect())
}

fn integers(values: grpc::RepeatedIntegers) -> AnyVariants {
    AnyVariants::Integers(values.integers.into_iter().collect())
}

fn number_range(range: grpc::Range) -> Range<OrderedFloat<f64>> {
    Range {
        lt: range.lt.map(OrderedFloat),
        gt: range.gt.map(OrderedFloat),
        gte: range.gte.map(OrderedFloat),
        lte: range.lte.map(OrderedFloat),
    }
}

fn datetime_range(range: grpc::DatetimeRange) -> Result<Range<DateTimeWrapper>, Failure> {
    Ok(Range {
        lt: range.lt.map(datetime).transpose()?,
        gt: range.gt.map(datetime).transpose()?,
        gte: range.gte.map(datetime).transpose()?,
        lte: range.lte.map(datetime).transpose()?,
    })
}

/// The engine's moment for a message's.
pub(crate) fn datetime(timestamp: prost_types::Timestamp) -> Result<DateTimeWrapper, Failure> {
    u32::try_from(timestamp.nanos)
        .ok()
        .and_then(|nanos| DateTime::from_timestamp(timestamp.seconds, nanos))
        .map(DateTimeWrapper)
        .ok_or_else(|| Failure::Malformed(format!("Unable to parse timestamp: {timestamp}")))
}

fn values_count(count: grpc::ValuesCount) -> ValuesCount {
    ValuesCount {
        lt: count.lt.map(size),
        gt: count.gt.map(size),
        gte: count.gte.map(size),
        lte: count.lte.map(size),
    }
}

/// A count of a message on this machine; one past its range acts as the largest.
pub(crate) fn size(count: u64) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}
