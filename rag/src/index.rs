//! The passages in Qdrant: one collection for an embedding model, dense and BM25 vectors side by side, each passage
//! either shared or its owner's. Every call here ends within its time-out.

mod collections;
mod error;
mod payload;
mod reading;
mod search;

use std::time::Duration;

use qdrant_client::qdrant::{
    Condition, CountPointsBuilder, CreateCollectionBuilder, CreateFieldIndexCollectionBuilder,
    DeletePointsBuilder, Distance, FieldType, Filter, Modifier, NamedVectors, PointStruct, Range,
    SparseVectorParamsBuilder, SparseVectorsConfigBuilder, UpsertPointsBuilder, Vector as QdrantVector,
    VectorParamsBuilder, VectorsConfigBuilder,
};
use qdrant_client::{Qdrant, QdrantError};
use secrecy::{ExposeSecret, SecretString};
use uuid::Uuid;

use crate::embed::{DIMENSIONS, MODEL_NAME, Vector};
use crate::sparse::SparseVector;
use crate::vocabulary::{ContentVersion, DocumentId, PassageBody, PassageId, Scope};
pub use collections::Collections;
pub use error::IndexError;

/// What the names of collections begin with, unless several installations share a Qdrant.
pub const PREFIX: &str = "passages";
const DENSE: &str = "dense";
const BM25: &str = "bm25";
/// Points sent at once.
const UPSERT_BATCH: usize = 64;

/// How to reach Qdrant.
#[derive(Debug, Clone)]
pub struct IndexConfig {
    /// Its gRPC address, such as `http://127.0.0.1:6334`.
    pub url: String,
    /// Its key, where it wants one.
    pub api_key: Option<SecretString>,
    /// The collection, by default that of the model on this machine.
    pub collection: String,
    /// How many numbers its vectors have.
    pub dimensions: usize,
    /// How long one call may take.
    pub timeout: Duration,
}

impl IndexConfig {
    /// This Qdrant without a key, the usual collection, ten seconds for a call.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            api_key: None,
            collection: collection_name(PREFIX, MODEL_NAME, DIMENSIONS),
            dimensions: DIMENSIONS,
            timeout: Duration::from_secs(10),
        }
    }
}

/// A collection's name: it changes with the embedding model, whose vectors don't mix with another's.
pub fn collection_name(prefix: &str, model: &str, dimensions: usize) -> String {
    let harmless = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '-' | '.') { c } else { '_' };
    let model: String = model.chars().map(harmless).collect();
    format!("{prefix}_{model}_{dimensions}")
}

/// A passage ready to be indexed.
#[derive(Debug, Clone)]
pub struct IndexedPassage {
    /// Which one.
    pub id: PassageId,
    /// Of which version of its document.
    pub version: ContentVersion,
    /// Who may find it.
    pub scope: Scope,
    /// What it says, or that sealed.
    pub body: PassageBody,
    /// Its vector.
    pub dense: Vector,
    /// Its terms.
    pub sparse: SparseVector,
}

/// A passage found, with both of its scores.
#[derive(Debug, Clone)]
pub(crate) struct Candidate {
    pub(crate) id: PassageId,
    pub(crate) version: ContentVersion,
    pub(crate) body: PassageBody,
    pub(crate) vector: Vector,
    /// Cosine with the question.
    pub(crate) cosine: f32,
    /// BM25; 0 when it is not among the best by terms.
    pub(crate) bm25: f32,
}

/// The collection of passages.
#[derive(Clone)]
pub struct PassageIndex {
    client: Qdrant,
    collection: String,
    dimensions: usize,
    timeout: Duration,
}

impl PassageIndex {
    /// Prepares the connection; nothing is sent before the first call.
    pub fn new(config: &IndexConfig) -> Result<Self, IndexError> {
        let client = Qdrant::from_url(&config.url)
            .timeout(config.timeout)
            .connect_timeout(config.timeout.min(Duration::from_secs(3)))
            .api_key(config.api_key.as_ref().map(|key| key.expose_secret().to_owned()))
            .skip_compatibility_check()
            .keep_alive_while_idle()
            .build()?;
        let IndexConfig { collection, dimensions, timeout, .. } = config.clone();
        Ok(Self { client, collection, dimensions, timeout })
    }

    /// Another collection of the same Qdrant.
    #[must_use]
    pub fn at(&self, collection: String, dimensions: usize) -> Self {
        Self { collection, dimensions, ..self.clone() }
    }

    /// The name recorded as the index' version.
    pub fn collection(&self) -> &str {
        &self.collection
    }

    /// Creates the collection and its payload indexes unless they are there; says whether it was created.
    pub async fn ensure_collection(&self) -> Result<bool, IndexError> {
        let missing = !self.within(self.client.collection_exists(&self.collection)).await?;
        if missing {
            match self.within(self.client.create_collection(self.layout())).await {
                // Another process was faster.
                Err(IndexError::Refused(status)) if status.contains("already exists") => {}
                other => {
                    other?;
                }
            }
        }
        for (field, kind) in [
            (payload::SCOPE, FieldType::Keyword),
            (payload::OWNER, FieldType::Keyword),
            (payload::DOCUMENT_ID, FieldType::Keyword),
        ] {
            let index = CreateFieldIndexCollectionBuilder::new(&self.collection, field, kind).wait(true);
            self.within(self.client.create_field_index(index)).await?;
        }
        Ok(missing)
    }

    fn layout(&self) -> CreateCollectionBuilder {
        let mut dense = VectorsConfigBuilder::default();
        dense.add_named_vector_params(
            DENSE,
            VectorParamsBuilder::new(self.dimensions as u64, Distance::Cosine),
        );
        let mut sparse = SparseVectorsConfigBuilder::default();
        sparse.add_named_vector_params(BM25, SparseVectorParamsBuilder::default().modifier(Modifier::Idf));
        CreateCollectionBuilder::new(&self.collection).vectors_config(dense).sparse_vectors_config(sparse)
    }

    /// Writes passages; those already there are replaced. Done when they can be found.
    pub async fn upsert(&self, passages: Vec<IndexedPassage>) -> Result<(), IndexError> {
        let mut points = passages.into_iter().map(point).peekable();
        while points.peek().is_some() {
            let batch: Vec<PointStruct> = points.by_ref().take(UPSERT_BATCH).collect();
            let request = UpsertPointsBuilder::new(&self.collection, batch).wait(true);
            self.within(self.client.upsert_points(request)).await?;
        }
        Ok(())
    }

    /// Removes all passages of a document.
    pub async fn delete_document(&self, document_id: DocumentId) -> Result<(), IndexError> {
        self.delete(Filter::must([of_document(document_id)])).await
    }

    /// Removes the passages of a version from this ordinal on: what was cut otherwise once.
    pub async fn delete_passages_from(
        &self,
        document_id: DocumentId,
        version: ContentVersion,
        ordinal: u32,
    ) -> Result<(), IndexError> {
        let beyond = Range { gte: Some(f64::from(ordinal)), ..Range::default() };
        let beyond = Condition::range(payload::ORDINAL, beyond);
        self.delete(Filter::must([of_document(document_id), of_generation(version), beyond])).await
    }

    /// Removes all versions of a document but one.
    pub async fn keep_only(
        &self,
        document_id: DocumentId,
        version: ContentVersion,
    ) -> Result<(), IndexError> {
        let filter = Filter::must([of_document(document_id)]);
        self.delete(Filter { must_not: vec![of_generation(version)], ..filter }).await
    }

    /// How many passages a version of a document has.
    pub async fn count_of_version(
        &self,
        document_id: DocumentId,
        version: ContentVersion,
    ) -> Result<u64, IndexError> {
        self.count_where(Filter::must([of_document(document_id), of_generation(version)])).await
    }

    /// Removes all passages of one owner.
    pub async fn delete_owner(&self, owner: Uuid) -> Result<(), IndexError> {
        self.delete(Filter::must([of_owner(owner)])).await
    }

    /// How many passages one owner has.
    pub async fn count_of_owner(&self, owner: Uuid) -> Result<u64, IndexError> {
        self.count_where(Filter::must([of_owner(owner)])).await
    }

    async fn delete(&self, filter: Filter) -> Result<(), IndexError> {
        let request = DeletePointsBuilder::new(&self.collection).points(filter).wait(true);
        self.within(self.client.delete_points(request)).await?;
        Ok(())
    }

    /// How many passages there are, of one document or in all.
    pub async fn count(&self, document_id: Option<DocumentId>) -> Result<u64, IndexError> {
        self.count_where(Filter::must(document_id.map(of_document))).await
    }

    /// How many vectors the engine has put into its graph so far. It does that by and by; until then it compares all.
    pub async fn count_indexed(&self) -> Result<u64, IndexError> {
        let answer = self.within(self.client.collection_info(&self.collection)).await?;
        Ok(answer.result.and_then(|info| info.indexed_vectors_count).unwrap_or(0))
    }

    async fn count_where(&self, filter: Filter) -> Result<u64, IndexError> {
        let request = CountPointsBuilder::new(&self.collection).exact(true).filter(filter);
        let answer = self.within(self.client.count(request)).await?;
        Ok(answer.result.map_or(0, |result| result.count))
    }

    async fn within<T>(&self, call: impl Future<Output = Result<T, QdrantError>>) -> Result<T, IndexError> {
        match tokio::time::timeout(self.timeout, Box::pin(call)).await {
            Ok(done) => done.map_err(IndexError::from),
            Err(_) => Err(IndexError::Away("no answer in time".into())),
        }
    }
}

fn point(passage: IndexedPassage) -> PointStruct {
    let vectors = NamedVectors::default()
        .add_vector(DENSE, QdrantVector::new_dense(passage.dense))
        .add_vector(BM25, QdrantVector::new_sparse(passage.sparse.indices, passage.sparse.values));
    let point_id = passage.id.point_id(passage.version);
    let payload = payload::of(passage.id, passage.version, passage.scope, passage.body);
    PointStruct::new(point_id.to_string(), vectors, payload)
}

fn of_owner(owner: Uuid) -> Condition {
    Condition::matches(payload::OWNER, owner.to_string())
}

fn of_generation(version: ContentVersion) -> Condition {
    Condition::matches(payload::GENERATION, version.0.cast_signed())
}

fn of_document(document_id: DocumentId) -> Condition {
    Condition::matches(payload::DOCUMENT_ID, document_id.to_string())
}
