//! The locations of the programs and models that the services run: parts that set-up has fetched (only
//! `setup/runtime.py` knows the pins and the cache), and binaries of this workspace.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde::Deserialize;
use tokio::process::Command;

use crate::{Error, Result};

/// Whether llama.cpp's server and its small model (130 MB to fetch) are included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WithModel {
    /// They are included.
    Yes,
    /// They are not included.
    No,
}

/// The locations of the runtime parts, as set-up prints them.
#[derive(Debug, Clone, Deserialize)]
pub struct Parts {
    /// The program `nats-server`.
    pub nats_server: PathBuf,
    /// The folder with `postgres`, `initdb`, `psql` and `pg_isready`.
    pub postgres_bin: PathBuf,
    /// The ONNX Runtime library, for `ORT_DYLIB_PATH`.
    pub onnxruntime: PathBuf,
    /// The PDFium library, for `PDFIUM_LIBRARY`.
    pub pdfium: PathBuf,
    /// The folder of the default embedding model, for `EMBEDDING_MODEL_DIR`.
    pub embedding_model: PathBuf,
    /// The folder of `MiniLM`, the embedding model for English on small machines.
    pub minilm: PathBuf,
    /// The Python interpreter of set-up.
    pub python: PathBuf,
    /// The folder of the Python packages for the server of the Qdrant engine.
    pub qdrant_python_path: PathBuf,
    /// The folder of the Python packages for llama.cpp's server, if included.
    pub llama_python_path: Option<PathBuf>,
    /// The small language model, if included.
    pub llama_model: Option<PathBuf>,
}

impl Parts {
    /// Locates the parts through set-up, which fetches missing ones and shows its progress on stderr.
    pub async fn locate(with_model: WithModel) -> Result<Self> {
        let mut command = Command::new("python3");
        command.arg(repository()?.join("setup").join("runtime.py"));
        if with_model == WithModel::Yes {
            command.arg("--llama");
        }
        command.stdin(Stdio::null()).stderr(Stdio::inherit()).kill_on_drop(true);
        let output = command
            .output()
            .await
            .map_err(|source| Error::Spawn { program: "python3".to_owned(), source })?;
        if !output.status.success() {
            return Err(Error::Parts(format!("setup/runtime.py ended with {}", output.status)));
        }
        serde_json::from_slice(&output.stdout).map_err(|problem| Error::Parts(problem.to_string()))
    }
}

/// The checkout that contains the working directory, else the checkout of this build.
pub fn repository() -> Result<PathBuf> {
    let is_checkout = |folder: &&Path| folder.join("setup").join("runtime.py").is_file();
    let working_directory = std::env::current_dir().unwrap_or_default();
    working_directory
        .ancestors()
        .chain(Path::new(env!("CARGO_MANIFEST_DIR")).ancestors())
        .find(is_checkout)
        .map(Path::to_owned)
        .ok_or(Error::NoRepository)
}

/// The workspace's binary `name`, which cargo puts beside this program or, for a test, into the folder above.
pub fn binary_beside_this(name: &'static str) -> Result<PathBuf> {
    let this = std::env::current_exe().map_err(Error::io("located", Path::new("this program")))?;
    this.ancestors()
        .skip(1)
        .take(2)
        .map(|folder| folder.join(name))
        .find(|path| path.is_file())
        .ok_or(Error::NotBuilt(name))
}
