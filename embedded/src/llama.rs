//! llama.cpp's OpenAI-compatible server with a small model. The protocol is real, the answers are bad: it is
//! started for tests and on request only.

use std::ops::Deref;
use std::time::Duration;

use crate::{DataDir, Error, Parts, Program, Readiness, Result, Service, repository};

/// A running language model server.
#[derive(Debug)]
pub struct Llama {
    service: Service,
}

impl Deref for Llama {
    type Target = Service;

    fn deref(&self) -> &Service {
        &self.service
    }
}

impl Llama {
    /// The name of the model in requests.
    pub const MODEL: &'static str = "smollm2-135m-instruct";
    /// Tokens of context for each answer.
    pub const CONTEXT: u32 = 4096;

    /// Starts the server. `parts` must be located with the model.
    pub async fn start(parts: &Parts, data: &DataDir) -> Result<Self> {
        let (Some(python_path), Some(model)) = (&parts.llama_python_path, &parts.llama_model) else {
            return Err(Error::Parts("they were located without the language model".to_owned()));
        };
        let script = repository()?.join("embedded").join("llama_server.py");
        let service = Service::on_free_port(data, |address| {
            Program::new("llama", &parts.python, address, Readiness::Answers("/health"))
                .argument(&script)
                .argument(address.port().to_string())
                .argument(model)
                .argument(Self::MODEL)
                .argument(Self::CONTEXT.to_string())
                .variable("PYTHONPATH", python_path)
                .start_within(Duration::from_mins(2))
        })
        .await?;
        Ok(Self { service })
    }

    /// The base URL of the OpenAI-compatible API, with `/v1`.
    pub fn url(&self) -> String {
        format!("http://{}/v1", self.service.address())
    }
}
