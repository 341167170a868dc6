//! Payload indexes: how they are asked for and how they are reported.
#![expect(
    deprecated,
    reason = "the server whose behaviour this is knows `on_disk` and not yet its successor"
)]

use qdrant_client::qdrant::payload_index_params::IndexParams;
use qdrant_client::qdrant::{self as grpc, FieldType};
use qdrant_edge::{
    BoolIndexParams, DatetimeIndexParams, FloatIndexParams, GeoIndexParams, IntegerIndexParams,
    KeywordIndexParams, PayloadFieldSchema, PayloadIndexInfo, PayloadSchemaParams, PayloadSchemaType,
    TextIndexParams, TokenizerType, UuidIndexParams,
};

use crate::convert::filter::size;
use crate::failure::Failure;

/// What kind of index is asked for, if the request says.
pub(crate) fn schema(
    field_type: Option<i32>,
    params: Option<grpc::PayloadIndexParams>,
) -> Result<Option<PayloadFieldSchema>, Failure> {
    if let Some(params) = params.and_then(|params| params.index_params) {
        return schema_params(params).map(PayloadFieldSchema::FieldParams).map(Some);
    }
    let Some(number) = field_type else { return Ok(None) };
    let field_type = FieldType::try_from(number)
        .map_err(|_| Failure::Malformed("cannot convert field_type".to_owned()))?;
    Ok(Some(PayloadFieldSchema::FieldType(match field_type {
        FieldType::Keyword => PayloadSchemaType::Keyword,
        FieldType::Integer => PayloadSchemaType::Integer,
        FieldType::Float => PayloadSchemaType::Float,
        FieldType::Geo => PayloadSchemaType::Geo,
        FieldType::Text => PayloadSchemaType::Text,
        FieldType::Bool => PayloadSchemaType::Bool,
        FieldType::Datetime => PayloadSchemaType::Datetime,
        FieldType::Uuid => PayloadSchemaType::Uuid,
    })))
}

fn schema_params(params: IndexParams) -> Result<PayloadSchemaParams, Failure> {
    Ok(match params {
        IndexParams::KeywordIndexParams(asked) => PayloadSchemaParams::Keyword(KeywordIndexParams {
            is_tenant: asked.is_tenant,
            on_disk: asked.on_disk,
            enable_hnsw: asked.enable_hnsw,
            ..Default::default()
        }),
        IndexParams::IntegerIndexParams(asked) => PayloadSchemaParams::Integer(IntegerIndexParams {
            lookup: asked.lookup,
            range: asked.range,
            is_principal: asked.is_principal,
            on_disk: asked.on_disk,
            enable_hnsw: asked.enable_hnsw,
            ..Default::default()
        }),
        IndexParams::FloatIndexParams(asked) => PayloadSchemaParams::Float(FloatIndexParams {
            is_principal: asked.is_principal,
            on_disk: asked.on_disk,
            enable_hnsw: asked.enable_hnsw,
            ..Default::default()
        }),
        IndexParams::GeoIndexParams(asked) => PayloadSchemaParams::Geo(GeoIndexParams {
            on_disk: asked.on_disk,
            enable_hnsw: asked.enable_hnsw,
            ..Default::default()
        }),
        IndexParams::BoolIndexParams(asked) => PayloadSchemaParams::Bool(BoolIndexParams {
            on_disk: asked.on_disk,
            enable_hnsw: asked.enable_hnsw,
            ..Default::default()
        }),
        IndexParams::DatetimeIndexParams(asked) => PayloadSchemaParams::Datetime(DatetimeIndexParams {
            is_principal: asked.is_principal,
            on_disk: asked.on_disk,
            enable_hnsw: asked.enable_hnsw,
            ..Default::default()
        }),
        IndexParams::UuidIndexParams(asked) => PayloadSchemaParams::Uuid(UuidIndexParams {
            is_tenant: asked.is_tenant,
            on_disk: asked.on_disk,
            enable_hnsw: asked.enable_hnsw,
            ..Default::default()
        }),
        IndexParams::TextIndexParams(asked) => PayloadSchemaParams::Text(text_params(&asked)?),
    })
}

fn text_params(asked: &grpc::TextIndexParams) -> Result<TextIndexParams, Failure> {
    if asked.stopwords.is_some() || asked.stemmer.is_some() {
        return Err(Failure::NotOffered("a text index with stop words or a stemmer"));
    }
    let tokenizer = match asked.tokenizer() {
        grpc::TokenizerType::Unknown | grpc::TokenizerType::Code => {
            return Err(Failure::Malformed("unknown tokenizer type".to_owned()));
        }
        grpc::TokenizerType::Prefix => TokenizerType::Prefix,
        grpc::TokenizerType::Whitespace => TokenizerType::Whitespace,
        grpc::TokenizerType::Word => TokenizerType::Word,
        grpc::TokenizerType::Multilingual => TokenizerType::Multilingual,
    };
    Ok(TextIndexParams {
        tokenizer,
        min_token_len: asked.min_token_len.map(size),
        max_token_len: asked.max_token_len.map(size),
        lowercase: asked.lowercase,
        ascii_folding: asked.ascii_folding,
        phrase_matching: asked.phrase_matching,
        on_disk: asked.on_disk,
        enable_hnsw: asked.enable_hnsw,
        ..Default::default()
    })
}

/// How an index is reported.
pub(crate) fn grpc_info(info: PayloadIndexInfo) -> grpc::PayloadSchemaInfo {
    let data_type = match info.data_type {
        PayloadSchemaType::Keyword => grpc::PayloadSchemaType::Keyword,
        PayloadSchemaType::Integer => grpc::PayloadSchemaType::Integer,
        PayloadSchemaType::Float => grpc::PayloadSchemaType::Float,
        PayloadSchemaType::Geo => grpc::PayloadSchemaType::Geo,
        PayloadSchemaType::Text => grpc::PayloadSchemaType::Text,
        PayloadSchemaType::Bool => grpc::PayloadSchemaType::Bool,
        PayloadSchemaType::Datetime => grpc::PayloadSchemaType::Datetime,
        PayloadSchemaType::Uuid => grpc::PayloadSchemaType::Uuid,
    };
    grpc::PayloadSchemaInfo {
        data_type: data_type.into(),
        params: info
            .params
            .map(|params| grpc::PayloadIndexParams { index_params: Some(grpc_params(params)) }),
        points: Some(info.points as u64),
    }
}

fn grpc_params(params: PayloadSchemaParams) -> IndexParams {
    match params {
        PayloadSchemaParams::Keyword(kept) => IndexParams::KeywordIndexParams(grpc::KeywordIndexParams {
            is_tenant: kept.is_tenant,
            on_disk: kept.on_disk,
            enable_hnsw: kept.enable_hnsw,
            ..Default::default()
        }),
        PayloadSchemaParams::Integer(kept) => IndexParams::IntegerIndexParams(grpc::IntegerIndexParams {
            lookup: kept.lookup,
            range: kept.range,
            is_principal: kept.is_principal,
            on_disk: kept.on_disk,
            enable_hnsw: kept.enable_hnsw,
            ..Default::default()
        }),
        PayloadSchemaParams::Float(kept) => IndexParams::FloatIndexParams(grpc::FloatIndexParams {
            on_disk: kept.on_disk,
            is_principal: kept.is_principal,
            enable_hnsw: kept.enable_hnsw,
            ..Default::default()
        }),
        PayloadSchemaParams::Geo(kept) => IndexParams::GeoIndexParams(grpc::GeoIndexParams {
            on_disk: kept.on_disk,
            enable_hnsw: kept.enable_hnsw,
            ..Default::default()
        }),
        PayloadSchemaParams::Text(kept) => IndexParams::TextIndexParams(grpc_text(&kept)),
        PayloadSchemaParams::Bool(kept) => IndexParams::BoolIndexParams(grpc::BoolIndexParams {
            on_disk: kept.on_disk,
            enable_hnsw: kept.enable_hnsw,
            ..Default::default()
        }),
        PayloadSchemaParams::Datetime(kept) => IndexParams::DatetimeIndexParams(grpc::DatetimeIndexParams {
            on_disk: kept.on_disk,
            is_principal: kept.is_principal,
            enable_hnsw: kept.enable_hnsw,
            ..Default::default()
        }),
        PayloadSchemaParams::Uuid(kept) => IndexParams::UuidIndexParams(grpc::UuidIndexParams {
            is_tenant: kept.is_tenant,
            on_disk: kept.on_disk,
            enable_hnsw: kept.enable_hnsw,
            ..Default::default()
        }),
    }
}

fn grpc_text(kept: &TextIndexParams) -> grpc::TextIndexParams {
    let tokenizer = match kept.tokenizer {
        TokenizerType::Prefix => grpc::TokenizerType::Prefix,
        TokenizerType::Whitespace => grpc::TokenizerType::Whitespace,
        TokenizerType::Word => grpc::TokenizerType::Word,
        TokenizerType::Multilingual => grpc::TokenizerType::Multilingual,
    };
    grpc::TextIndexParams {
        tokenizer: tokenizer.into(),
        lowercase: kept.lowercase,
        min_token_len: kept.min_token_len.map(|length| length as u64),
        max_token_len: kept.max_token_len.map(|length| length as u64),
        on_disk: kept.on_disk,
        phrase_matching: kept.phrase_matching,
        ascii_folding: kept.ascii_folding,
        enable_hnsw: kept.enable_hnsw,
        ..Default::default()
    }
}
