//! A worker with documents to answer from.

use std::path::Path;
use std::time::{Duration, Instant};

use embedded::{Qdrant, Service};

use super::{Environment, Server};

/// The project's own documents, from the root of the repository.
const DOCS: &str = "docs";

/// A worker, and the engine it searches.
#[derive(Debug)]
pub(crate) struct Answering {
    worker: Service,
    qdrant: Qdrant,
}

impl Answering {
    /// Ends both in order.
    pub(crate) async fn stop(self) -> anyhow::Result<()> {
        self.worker.stop().await?;
        self.qdrant.stop().await?;
        Ok(())
    }
}

impl Server {
    /// Starts a worker that quotes from the project's own documents, in a process of its own; its
    /// api reports readiness.
    pub(crate) async fn answer(&self) -> anyhow::Result<Answering> {
        let mut environment = self.environment();
        let qdrant = self.knowledge(&mut environment).await?;
        let worker = self.start_roles("worker", "api,worker", &environment).await?;
        Ok(Answering { worker, qdrant })
    }

    /// Starts an engine with the project's own documents, and adds what processes need that search it.
    pub(crate) async fn knowledge(&self, environment: &mut Environment) -> anyhow::Result<Qdrant> {
        let (qdrant, _) = self.knowledge_of(Path::new(DOCS), environment).await?;
        Ok(qdrant)
    }

    /// The same with the documents of a folder; also how long `colloquy ingest` took, with its start.
    pub(crate) async fn knowledge_of(
        &self,
        docs: &Path,
        environment: &mut Environment,
    ) -> anyhow::Result<(Qdrant, Duration)> {
        let qdrant = Qdrant::start(&self.parts, &self.data).await?;
        qdrant.wipe().await?;
        environment.push(("QDRANT_URL", qdrant.url()));
        let text = |path: &Path| path.to_string_lossy().into_owned();
        environment.push(("EMBEDDING_MODEL_DIR", text(&self.parts.embedding_model)));
        environment.push(("ORT_DYLIB_PATH", text(&self.parts.onnxruntime)));
        environment.push(("PDFIUM_LIBRARY", text(&self.parts.pdfium)));
        let began = Instant::now();
        self.run("ingest", &["ingest", &text(docs)], environment).await?;
        Ok((qdrant, began.elapsed()))
    }
}
