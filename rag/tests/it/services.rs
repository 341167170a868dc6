//! The services of the tests, which the environment names.

use std::time::Duration;

use rag::embed::{Embedder, EmbedderConfig};
use rag::index::{IndexConfig, PassageIndex};
use rag::ingest::{DocumentVersion, Ingester};
use rag::split::Splitter;
use rag::vocabulary::{ContentVersion, DocumentId, Markup, PassageText, Scope};
use uuid::Uuid;

pub(crate) fn setting(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set; run the tests as `make test` does"))
}

pub(crate) async fn embedder() -> Embedder {
    let config = EmbedderConfig::new(setting("EMBEDDING_MODEL_DIR"), setting("ORT_DYLIB_PATH"));
    Embedder::load(config).await.unwrap()
}

/// Creates an empty collection for one test.
pub(crate) async fn index(test: &str) -> PassageIndex {
    let mut config = IndexConfig::new(setting("COLLOQUY_TEST_QDRANT_URL"));
    config.collection = format!("{test}_{}", std::process::id());
    config.timeout = Duration::from_mins(1);
    let index = PassageIndex::new(&config).unwrap();
    index.ensure_collection().await.unwrap();
    index
}

pub(crate) fn document_id(number: u128) -> DocumentId {
    DocumentId::from(Uuid::from_u128(number))
}

pub(crate) fn document(number: u128, scope: Scope) -> DocumentVersion {
    DocumentVersion { id: document_id(number), version: ContentVersion::ONLY, scope }
}

/// The passages of a Markdown text.
pub(crate) fn passages(embedder: &Embedder, text: &str) -> std::vec::IntoIter<PassageText> {
    let splitter = Splitter::from_file(embedder.tokenizer_file()).unwrap();
    splitter.passages("", Markup::Markdown, text).into_iter()
}

pub(crate) const BREAD: &str = "# Bread\n\nA sourdough loaf rises for twelve hours before it is baked. The starter is fed with flour and water every morning.\n\n## Baking\n\nBake the loaf at 230 degrees for forty minutes. Steam in the oven makes the crust shine.\n";
pub(crate) const BEES: &str = "# Bees\n\nA bee colony has one queen, who lays up to two thousand eggs a day in early summer.\n\n## Swarming\n\nWhen the hive grows too small, the old queen leaves with half of the workers. Beekeepers catch a swarm with a box and a brush.\n";
pub(crate) const TRAINS: &str = "# Night trains\n\nThe night train to Vienna leaves Hamburg at 20:33 from platform fourteen. Couchettes must be reserved in advance.\n\n## Bicycles\n\nBicycles travel for ten euros in the last carriage.\n";

/// Creates a collection with the three documents above, shared.
pub(crate) async fn indexed_documents(test: &str) -> (Embedder, PassageIndex) {
    let (embedder, index) = (embedder().await, index(test).await);
    let ingester = Ingester::new(embedder.clone(), index.clone());
    for (number, text) in [(1, BREAD), (2, BEES), (3, TRAINS)] {
        let passages = passages(&embedder, text);
        ingester.index_shared(document(number, Scope::Shared), passages, |_, _| {}).await.unwrap();
    }
    (embedder, index)
}
