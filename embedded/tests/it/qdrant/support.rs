//! Starts the server, and makes the collection and the points that most tests begin with.

use std::ffi::OsString;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};

use embedded::repository;
use qdrant_client::qdrant::{
    CreateCollectionBuilder, CreateFieldIndexCollectionBuilder, Distance, FieldType, Modifier, NamedVectors,
    PointId, PointStruct, SparseVectorParamsBuilder, SparseVectorsConfigBuilder, UpsertPointsBuilder, Vector,
    VectorParamsBuilder, VectorsConfigBuilder, point_id::PointIdOptions,
};
use qdrant_client::{Payload, Qdrant, QdrantError};
use serde_json::json;
use tempfile::TempDir;
use tonic::Code;

use crate::support::parts;

/// The collection of most tests.
pub(crate) const PASSAGES: &str = "passages";

/// The interval of the maintenance in the servers of the tests, in seconds.
const TEND_EVERY: &str = "0.2";

/// A running server.
pub(crate) struct Server {
    child: Child,
    url: String,
}

impl Server {
    /// Starts the server on the folder `data` and waits until it listens.
    pub(crate) async fn start(data: &Path) -> Self {
        let mut child = command(data).await.stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim().strip_prefix("listening on ").unwrap_or_else(|| panic!("it said {line:?}"));
        Self { url: format!("http://{address}"), child }
    }

    /// A client for it.
    pub(crate) fn client(&self) -> Qdrant {
        Qdrant::from_url(&self.url).skip_compatibility_check().build().unwrap()
    }

    /// Ends it by SIGTERM and returns its exit status.
    pub(crate) fn terminate(mut self) -> ExitStatus {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        self.child.wait().unwrap()
    }

    /// Ends it by SIGKILL.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Its anonymous memory in KiB.
    pub(crate) fn anonymous_memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with("RssAnon:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The command that starts the server on the folder `data` and a free port.
pub(crate) async fn command(data: &Path) -> Command {
    let parts = parts().await;
    let mut python_path = OsString::from(repository().unwrap().join("embedded"));
    python_path.push(":");
    python_path.push(parts.qdrant_python_path);
    let mut command = Command::new(parts.python);
    command.env("PYTHONPATH", python_path).args(["-m", "qdrant", "--listen", "127.0.0.1:0"]);
    command.args(["--tend-every", TEND_EVERY, "--data"]).arg(data);
    command
}

/// A server with the empty collection [`PASSAGES`], whose owners are indexed, its client, and the folder, to
/// be kept.
pub(crate) async fn with_passages() -> (Server, Qdrant, TempDir) {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path()).await;
    let client = server.client();
    client.create_collection(hybrid(PASSAGES)).await.unwrap();
    index(&client, "owner", FieldType::Keyword).await;
    (server, client, data)
}

/// Creates a payload index.
pub(crate) async fn index(client: &Qdrant, field: &str, kind: FieldType) {
    let index = CreateFieldIndexCollectionBuilder::new(PASSAGES, field, kind).wait(true);
    client.create_field_index(index).await.unwrap();
}

/// A collection with dense vectors of four dimensions and sparse ones weighted by rarity.
pub(crate) fn hybrid(name: &str) -> CreateCollectionBuilder {
    let mut dense = VectorsConfigBuilder::default();
    dense.add_named_vector_params("dense", VectorParamsBuilder::new(4, Distance::Cosine));
    let mut sparse = SparseVectorsConfigBuilder::default();
    sparse.add_named_vector_params("bm25", SparseVectorParamsBuilder::default().modifier(Modifier::Idf));
    CreateCollectionBuilder::new(name).vectors_config(dense).sparse_vectors_config(sparse)
}

/// A point with a dense vector, the given terms as its sparse one, and a payload.
pub(crate) fn point(id: u64, dense: [f32; 4], terms: &[u32], payload: serde_json::Value) -> PointStruct {
    let sparse = Vector::new_sparse(terms.to_vec(), vec![1.0; terms.len()]);
    let vectors = NamedVectors::default()
        .add_vector("dense", Vector::new_dense(dense.to_vec()))
        .add_vector("bm25", sparse);
    PointStruct::new(id, vectors, Payload::try_from(payload).unwrap())
}

/// Four passages: the first two and the last two are close to each other.
pub(crate) async fn upsert_four(client: &Qdrant) {
    let points = vec![
        point(
            1,
            [1.0, 0.0, 0.0, 0.0],
            &[1, 10],
            json!({"owner": "ann", "page": 1, "tags": ["rust", "async"]}),
        ),
        point(2, [0.9, 0.1, 0.0, 0.0], &[1, 20], json!({"owner": "ann", "page": 2, "title": null})),
        point(3, [0.0, 0.0, 1.0, 0.0], &[1, 30], json!({"owner": "bob", "page": 3, "tags": ["go"]})),
        point(4, [0.0, 0.0, 0.9, 0.1], &[1, 40], json!({"owner": "eve", "page": 4, "tags": []})),
    ];
    client.upsert_points(UpsertPointsBuilder::new(PASSAGES, points).wait(true)).await.unwrap();
}

/// The number of a numbered point.
pub(crate) fn number(id: Option<PointId>) -> u64 {
    match id.unwrap().point_id_options.unwrap() {
        PointIdOptions::Num(number) => number,
        PointIdOptions::Uuid(uuid) => panic!("{uuid} is no number"),
    }
}

/// The status that the server answered with.
pub(crate) fn refusal<T: std::fmt::Debug>(answer: Result<T, QdrantError>) -> (Code, String) {
    match answer.unwrap_err() {
        QdrantError::ResponseError { status } => (status.code(), status.message().to_owned()),
        other => panic!("no answer: {other}"),
    }
}
