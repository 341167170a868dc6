//! Stores and finds passages in Qdrant. Each embedding model has a collection with a dense and a BM25 vector
//! for each passage; each passage is shared or belongs to one owner. Every call ends within the configured
//! time limit.

mod collections;
mod config;
mod connection;
mod error;
mod lookup;
mod payload;
mod payload_indexes;
mod search;

use qdrant_client::qdrant::{
    CollectionExistsRequest, CollectionInfo, Condition, CountPoints, CountPointsBuilder, CreateCollection,
    CreateCollectionBuilder, DeletePoints, DeletePointsBuilder, Distance, Filter, GetCollectionInfoRequest,
    ListAliasesRequest, Modifier, NamedVectors, PointStruct, Range, SparseVectorParamsBuilder,
    SparseVectorsConfigBuilder, UpsertPoints, UpsertPointsBuilder, Vector as QdrantVector,
    VectorParamsBuilder, VectorsConfigBuilder,
};
use uuid::Uuid;

use crate::embed::{Embedder, Vector};
use crate::sparse::SparseVector;
use crate::vocabulary::{ContentVersion, DocumentId, PassageBody, PassageId, Scope};
pub use collections::Collections;
pub use config::{IndexConfig, Placement};
pub use connection::ConnectError;
use connection::Connection;
pub use error::{IndexError, PointPart, ServerMessage};

/// The name of the dense vector.
const DENSE: &str = "dense";
/// The name of the sparse vector.
const BM25: &str = "bm25";
/// Points in one upsert request.
const POINTS_PER_UPSERT: usize = 64;

/// A passage to index, with its vectors.
#[derive(Debug, Clone)]
pub struct IndexedPassage {
    /// The id of the passage.
    pub id: PassageId,
    /// The version of the document.
    pub version: ContentVersion,
    /// The users whose searches find the passage.
    pub scope: Scope,
    /// The plaintext or encrypted content.
    pub body: PassageBody,
    /// The embedding of text, title and headings.
    pub dense: Vector,
    /// The BM25 vector.
    pub sparse: SparseVector,
    /// Whether the model makes vectors of segments, so that the content has them.
    pub has_segments: bool,
}

/// A passage found by a search, with the scores of both searches. Its content is read if it is selected: most
/// candidates are not, and the content with the vectors of its segments is the largest part of a point.
#[derive(Debug, Clone)]
pub(crate) struct Candidate {
    pub(crate) id: PassageId,
    pub(crate) version: ContentVersion,
    pub(crate) vector: Vector,
    /// The cosine with the question.
    pub(crate) cosine: f32,
    /// The BM25 score; 0 for a passage that only the dense search found.
    pub(crate) bm25: f32,
}

/// A collection of passages.
#[derive(Clone)]
pub struct PassageIndex {
    connection: Connection,
    placement: Placement,
    collection: String,
    dimensions: usize,
}

impl PassageIndex {
    /// Prepares the connection, which the first call opens. Has to be called within a Tokio runtime.
    pub fn new(config: &IndexConfig) -> Result<Self, ConnectError> {
        let connection =
            Connection::new(&config.url, config.api_key.as_ref(), config.ca.as_deref(), config.timeout)?;
        let IndexConfig { placement, collection, dimensions, .. } = config.clone();
        Ok(Self { connection, placement, collection, dimensions })
    }

    /// Returns another collection of the same Qdrant.
    #[must_use]
    pub fn with_collection(&self, collection: String, dimensions: usize) -> Self {
        Self { collection, dimensions, ..self.clone() }
    }

    /// The name of the collection, recorded as index version in provenance.
    pub fn collection(&self) -> &str {
        &self.collection
    }

    /// Checks that Qdrant answers and accepts the API key.
    pub async fn check(&self) -> Result<(), IndexError> {
        let list = |mut calls: connection::CollectionCalls, request: ListAliasesRequest| async move {
            calls.list_aliases(request).await
        };
        self.connection.collections(ListAliasesRequest {}, list).await.map(drop)
    }

    /// Creates the collection and its payload indexes where they are missing. Returns whether the collection
    /// was missing.
    pub async fn ensure_collection(&self) -> Result<bool, IndexError> {
        let exists = CollectionExistsRequest { collection_name: self.collection.clone() };
        let answer = self
            .connection
            .collections(exists, |mut calls, request: CollectionExistsRequest| async move {
                calls.collection_exists(request).await
            })
            .await?;
        let is_missing = !answer.result.is_some_and(|result| result.exists);
        if is_missing {
            let creating = self
                .connection
                .collections(self.layout(), |mut calls, request: CreateCollection| async move {
                    calls.create(request).await
                });
            match creating.await {
                // Another process created it first.
                Err(error) if error.is_already_exists() => {}
                created => {
                    created?;
                }
            }
        }
        self.ensure_payload_indexes().await?;
        Ok(is_missing)
    }

    fn layout(&self) -> CreateCollectionBuilder {
        let mut dense = VectorsConfigBuilder::default();
        dense.add_named_vector_params(
            DENSE,
            VectorParamsBuilder::new(self.dimensions as u64, Distance::Cosine),
        );
        let mut sparse = SparseVectorsConfigBuilder::default();
        sparse.add_named_vector_params(BM25, SparseVectorParamsBuilder::default().modifier(Modifier::Idf));
        let mut layout = CreateCollectionBuilder::new(&self.collection)
            .vectors_config(dense)
            .sparse_vectors_config(sparse);
        let Placement { replication_factor, write_consistency_factor, shard_number } = self.placement;
        if let Some(factor) = replication_factor {
            layout = layout.replication_factor(factor);
        }
        if let Some(factor) = write_consistency_factor {
            layout = layout.write_consistency_factor(factor);
        }
        if let Some(number) = shard_number {
            layout = layout.shard_number(number);
        }
        layout
    }

    /// Writes passages and replaces those with the same id and version. Searches find them when the
    /// call returns.
    pub async fn upsert(&self, passages: Vec<IndexedPassage>) -> Result<(), IndexError> {
        let mut points = passages.into_iter().map(point).peekable();
        while points.peek().is_some() {
            let batch: Vec<PointStruct> = points.by_ref().take(POINTS_PER_UPSERT).collect();
            let request = UpsertPointsBuilder::new(&self.collection, batch).wait(true);
            let upsert = |mut points: connection::Points, request: UpsertPoints| async move {
                points.upsert(request).await
            };
            self.connection.points(request, upsert).await?;
        }
        Ok(())
    }

    /// Deletes all passages of a document.
    pub async fn delete_document(&self, document_id: DocumentId) -> Result<(), IndexError> {
        self.delete(Filter::must([has_document(document_id)])).await
    }

    /// Deletes the passages of a version from this ordinal on, which an earlier indexing of the same
    /// version left.
    pub(crate) async fn delete_passages_from(
        &self,
        document_id: DocumentId,
        version: ContentVersion,
        ordinal: u32,
    ) -> Result<(), IndexError> {
        let from = Range { gte: Some(f64::from(ordinal)), ..Range::default() };
        let from = Condition::range(payload::ORDINAL, from);
        self.delete(Filter::must([has_document(document_id), has_version(version), from])).await
    }

    /// Deletes all versions of a document except one.
    pub async fn delete_other_versions(
        &self,
        document_id: DocumentId,
        kept: ContentVersion,
    ) -> Result<(), IndexError> {
        let filter = Filter::must([has_document(document_id)]);
        self.delete(Filter { must_not: vec![has_version(kept)], ..filter }).await
    }

    /// Deletes all passages of an owner.
    pub async fn delete_owner(&self, owner: Uuid) -> Result<(), IndexError> {
        self.delete(Filter::must([has_owner(owner)])).await
    }

    async fn delete(&self, filter: Filter) -> Result<(), IndexError> {
        let request = DeletePointsBuilder::new(&self.collection).points(filter).wait(true);
        let delete = |mut points: connection::Points, request: DeletePoints| async move {
            points.delete(request).await
        };
        self.connection.points(request, delete).await.map(drop)
    }

    /// Counts the passages of one document, or all passages.
    pub async fn count(&self, document_id: Option<DocumentId>) -> Result<u64, IndexError> {
        self.count_matching(Filter::must(document_id.map(has_document))).await
    }

    /// Counts the passages of a version of a document as this model's are written. Those of earlier releases do
    /// not count: passages of an owner whose term ids are not under the owner's key, and passages without vectors
    /// of their segments where the model makes them.
    pub async fn count_version(
        &self,
        document_id: DocumentId,
        version: ContentVersion,
        embedder: &Embedder,
    ) -> Result<u64, IndexError> {
        let has_terms = Filter::should([
            Condition::matches(payload::SCOPE, payload::SHARED.to_owned()),
            Condition::matches(payload::TERMS, payload::OWNER_TERMS.to_owned()),
        ]);
        let mut must = vec![has_document(document_id), has_version(version), Condition::from(has_terms)];
        if embedder.makes_segments() {
            must.push(Condition::matches(payload::SEGMENTS, payload::SEGMENTS_IN_CONTEXT.to_owned()));
        }
        self.count_matching(Filter::must(must)).await
    }

    /// Counts the passages of an owner.
    pub async fn count_owner(&self, owner: Uuid) -> Result<u64, IndexError> {
        self.count_matching(Filter::must([has_owner(owner)])).await
    }

    /// Counts the vectors in Qdrant's HNSW graph, which Qdrant builds in the background. It compares all
    /// other vectors one by one.
    pub async fn count_indexed(&self) -> Result<u64, IndexError> {
        Ok(self.info().await?.and_then(|info| info.indexed_vectors_count).unwrap_or(0))
    }

    async fn info(&self) -> Result<Option<CollectionInfo>, IndexError> {
        let request = GetCollectionInfoRequest { collection_name: self.collection.clone() };
        let get = |mut calls: connection::CollectionCalls, request: GetCollectionInfoRequest| async move {
            calls.get(request).await
        };
        Ok(self.connection.collections(request, get).await?.result)
    }

    async fn count_matching(&self, filter: Filter) -> Result<u64, IndexError> {
        let request = CountPointsBuilder::new(&self.collection).exact(true).filter(filter);
        let count =
            |mut points: connection::Points, request: CountPoints| async move { points.count(request).await };
        let answer = self.connection.points(request, count).await?;
        Ok(answer.result.map_or(0, |result| result.count))
    }
}

fn point(passage: IndexedPassage) -> PointStruct {
    let vectors = NamedVectors::default()
        .add_vector(DENSE, QdrantVector::new_dense(passage.dense))
        .add_vector(BM25, QdrantVector::new_sparse(passage.sparse.indices, passage.sparse.values));
    let point_id = passage.id.point_id(passage.version);
    let mut payload = payload::of(passage.id, passage.version, passage.scope, passage.body);
    if passage.has_segments {
        payload.insert(payload::SEGMENTS, payload::SEGMENTS_IN_CONTEXT);
    }
    PointStruct::new(point_id.to_string(), vectors, payload)
}

fn has_owner(owner: Uuid) -> Condition {
    Condition::matches(payload::OWNER, owner.to_string())
}

fn has_version(version: ContentVersion) -> Condition {
    Condition::matches(payload::CONTENT_VERSION, version.0.cast_signed())
}

fn has_document(document_id: DocumentId) -> Condition {
    Condition::matches(payload::DOCUMENT_ID, document_id.to_string())
}
