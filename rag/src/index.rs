//! Stores and finds passages in Qdrant. Each embedding model has a collection with a dense and a BM25 vector
//! for each passage; each passage is shared or belongs to one owner. Every call ends within the configured
//! time limit.

mod collections;
mod error;
mod lookup;
mod payload;
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
pub use error::{IndexError, PointPart};

/// The default prefix of collection names. Installations that share a Qdrant use different prefixes.
const PREFIX: &str = "passages";
/// The name of the dense vector.
const DENSE: &str = "dense";
/// The name of the sparse vector.
const BM25: &str = "bm25";
/// Points in one upsert request.
const POINTS_PER_UPSERT: usize = 64;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// Qdrant's address, the collection and the time limit of a call.
#[derive(Debug, Clone)]
pub struct IndexConfig {
    /// The gRPC address, such as `http://127.0.0.1:6334`.
    pub url: String,
    /// The API key, if Qdrant requires one.
    pub api_key: Option<SecretString>,
    /// The name of the collection.
    pub collection: String,
    /// The number of dimensions of the dense vectors.
    pub dimensions: usize,
    /// The time limit of one call.
    pub timeout: Duration,
}

impl IndexConfig {
    /// Configures the local model's collection, no API key and a time limit of ten seconds.
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

/// Returns the name of a model's collection. Characters other than ASCII letters, digits, `-` and `.`
/// become `_`.
fn collection_name(prefix: &str, model: &str, dimensions: usize) -> String {
    let escape = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '-' | '.') { c } else { '_' };
    let model: String = model.chars().map(escape).collect();
    format!("{prefix}_{model}_{dimensions}")
}

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
}

/// A passage found by a search, with the scores of both searches.
#[derive(Debug, Clone)]
pub(crate) struct Candidate {
    pub(crate) id: PassageId,
    pub(crate) version: ContentVersion,
    pub(crate) body: PassageBody,
    pub(crate) vector: Vector,
    /// The cosine with the question.
    pub(crate) cosine: f32,
    /// The BM25 score; 0 for a passage that only the dense search found.
    pub(crate) bm25: f32,
}

/// A collection of passages.
#[derive(Clone)]
pub struct PassageIndex {
    client: Qdrant,
    collection: String,
    dimensions: usize,
    timeout: Duration,
}

impl PassageIndex {
    /// Prepares the client. The first call opens the connection.
    pub fn new(config: &IndexConfig) -> Result<Self, IndexError> {
        let client = Qdrant::from_url(&config.url)
            .timeout(config.timeout)
            .connect_timeout(config.timeout.min(CONNECT_TIMEOUT))
            .api_key(config.api_key.as_ref().map(|key| key.expose_secret().to_owned()))
            .skip_compatibility_check()
            .keep_alive_while_idle()
            .build()?;
        let IndexConfig { collection, dimensions, timeout, .. } = config.clone();
        Ok(Self { client, collection, dimensions, timeout })
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

    /// Creates the collection and its payload indexes where they are missing. Returns whether the collection
    /// was missing.
    pub async fn ensure_collection(&self) -> Result<bool, IndexError> {
        let is_missing = !self.within_timeout(self.client.collection_exists(&self.collection)).await?;
        if is_missing {
            match self.within_timeout(self.client.create_collection(self.layout())).await {
                // Another process created it first.
                Err(error) if error.is_already_exists() => {}
                created => {
                    created?;
                }
            }
        }
        for field in [payload::SCOPE, payload::OWNER, payload::DOCUMENT_ID, payload::TERMS] {
            let index = CreateFieldIndexCollectionBuilder::new(&self.collection, field, FieldType::Keyword);
            self.within_timeout(self.client.create_field_index(index.wait(true))).await?;
        }
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
        CreateCollectionBuilder::new(&self.collection).vectors_config(dense).sparse_vectors_config(sparse)
    }

    /// Writes passages and replaces those with the same id and version. Searches find them when the
    /// call returns.
    pub async fn upsert(&self, passages: Vec<IndexedPassage>) -> Result<(), IndexError> {
        let mut points = passages.into_iter().map(point).peekable();
        while points.peek().is_some() {
            let batch: Vec<PointStruct> = points.by_ref().take(POINTS_PER_UPSERT).collect();
            let request = UpsertPointsBuilder::new(&self.collection, batch).wait(true);
            self.within_timeout(self.client.upsert_points(request)).await?;
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
        self.within_timeout(self.client.delete_points(request)).await?;
        Ok(())
    }

    /// Counts the passages of one document, or all passages.
    pub async fn count(&self, document_id: Option<DocumentId>) -> Result<u64, IndexError> {
        self.count_matching(Filter::must(document_id.map(has_document))).await
    }

    /// Counts the passages of a version of a document. Passages of an owner whose term ids are not under the
    /// owner's key, which earlier releases wrote, do not count.
    pub async fn count_version(
        &self,
        document_id: DocumentId,
        version: ContentVersion,
    ) -> Result<u64, IndexError> {
        let is_current = Filter::should([
            Condition::matches(payload::SCOPE, payload::SHARED.to_owned()),
            Condition::matches(payload::TERMS, payload::OWNER_TERMS.to_owned()),
        ]);
        let must = [has_document(document_id), has_version(version), Condition::from(is_current)];
        self.count_matching(Filter::must(must)).await
    }

    /// Counts the passages of an owner.
    pub async fn count_owner(&self, owner: Uuid) -> Result<u64, IndexError> {
        self.count_matching(Filter::must([has_owner(owner)])).await
    }

    /// Counts the vectors in Qdrant's HNSW graph, which Qdrant builds in the background. It compares all
    /// other vectors one by one.
    pub async fn count_indexed(&self) -> Result<u64, IndexError> {
        let answer = self.within_timeout(self.client.collection_info(&self.collection)).await?;
        Ok(answer.result.and_then(|info| info.indexed_vectors_count).unwrap_or(0))
    }

    async fn count_matching(&self, filter: Filter) -> Result<u64, IndexError> {
        let request = CountPointsBuilder::new(&self.collection).exact(true).filter(filter);
        let answer = self.within_timeout(self.client.count(request)).await?;
        Ok(answer.result.map_or(0, |result| result.count))
    }

    async fn within_timeout<T>(
        &self,
        call: impl Future<Output = Result<T, QdrantError>>,
    ) -> Result<T, IndexError> {
        let result = tokio::time::timeout(self.timeout, Box::pin(call)).await;
        result.map_err(|_| IndexError::Timeout(self.timeout))?.map_err(IndexError::from)
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

fn has_owner(owner: Uuid) -> Condition {
    Condition::matches(payload::OWNER, owner.to_string())
}

fn has_version(version: ContentVersion) -> Condition {
    Condition::matches(payload::CONTENT_VERSION, version.0.cast_signed())
}

fn has_document(document_id: DocumentId) -> Condition {
    Condition::matches(payload::DOCUMENT_ID, document_id.to_string())
}
