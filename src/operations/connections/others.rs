//! Attempts at everything that is no database.

use std::time::Duration;

use anyhow::{Context as _, bail};
use async_nats::jetstream;
use futures::StreamExt as _;
use rag::generate::{ChatConfig, ChatModel, FinishReason, ModelError};
use rag::index::Collections;
use rag::prompt::{Message, Prompt, Role};

use crate::config::{Config, OfferedModel};
use crate::knowledge::files::Files;
use crate::knowledge::models::{self, ModelRegistry};

/// Time limit of one HTTP request.
const REQUEST_LIMIT: Duration = Duration::from_secs(5);
/// Largest document of keys that is read, in bytes.
const KEYS_BYTES: usize = 256 << 10;
/// Tokens of the answer requested from the language model.
const ANSWER_TOKENS: u32 = 8;

/// NATS and its JetStream.
pub(super) async fn nats(config: &Config) -> anyhow::Result<String> {
    let connection = config.app.nats.connection(&config.app.nats_url);
    let client = nats::connect_once(&connection, "colloquy config check").await?;
    let version = client.server_info().version;
    let account = jetstream::new(client).query_account().await;
    let account = account.context("JetStream is not enabled for this account")?;
    let streams = account.streams;
    Ok(format!("NATS {version} with JetStream, {streams} streams"))
}

/// Qdrant and its collections.
pub(super) async fn qdrant(config: &Config) -> anyhow::Result<String> {
    let collections = models::collections(&config.knowledge.qdrant)?;
    let (names, active) = (collections.names().await?.len(), collections.active().await?);
    Ok(match active {
        Some(active) if Collections::has_other_terms(&active) => format!(
            "{names} collections, {active} is active; it has the search terms of another release, `colloquy reindex` \
             replaces it"
        ),
        Some(active) => format!("{names} collections, {active} is active"),
        None => format!("{names} collections, none of them active yet"),
    })
}

/// The account service and the keys that it signs tokens with.
pub(super) async fn account_service(config: &Config) -> anyhow::Result<String> {
    let url = &config.api.auth_url;
    let client = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .timeout(REQUEST_LIMIT)
        .build()?;
    let get = async |path: &str| {
        let response = client.get(format!("{url}/api/auth/{path}")).send().await;
        response.and_then(reqwest::Response::error_for_status).map_err(reqwest::Error::without_url)
    };
    get("ok").await.context("the account service is not healthy")?;
    let mut response = get("jwks").await.context("the account service has no keys")?;
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(reqwest::Error::without_url)? {
        if body.len() + chunk.len() > KEYS_BYTES {
            bail!("the document of keys is larger than {KEYS_BYTES} bytes");
        }
        body.extend_from_slice(&chunk);
    }
    let document: serde_json::Value =
        serde_json::from_slice(&body).context("the document of keys is not JSON")?;
    match document["keys"].as_array().map_or(0, Vec::len) {
        0 => bail!("the account service has no key that signs tokens"),
        keys => Ok(format!("healthy, {keys} keys")),
    }
}

/// All language models, each with a request of a few tokens.
pub(super) async fn language_model(config: &Config) -> anyhow::Result<String> {
    let mut answering = Vec::new();
    for OfferedModel { chat, .. } in config.worker.model.offered() {
        let name = chat.name.clone();
        answers(chat).await.with_context(|| format!("the model {name} does not answer"))?;
        answering.push(name);
    }
    if answering.is_empty() {
        return Ok("none; answers are quotations".to_owned());
    }
    Ok(format!("{} answers", answering.join(", ")))
}

async fn answers(chat: ChatConfig) -> anyhow::Result<()> {
    let prompt = Prompt {
        messages: vec![Message { role: Role::User, content: "Say: ready".to_owned() }],
        source_count: 0,
        max_answer_tokens: ANSWER_TOKENS,
        temperature: None,
        is_continued: false,
        estimated_tokens: ANSWER_TOKENS,
    };
    let mut answer = Box::pin(ChatModel::new(chat)?.stream(&prompt));
    match answer.next().await.context("the model answers nothing")? {
        // The few tokens were spent on reasoning.
        Ok(_) | Err(ModelError::NoText(FinishReason::Length)) => {}
        Err(error) => return Err(error.into()),
    }
    Ok(())
}

/// The embedding model, with a text of one word. An endpoint that is away is an error at once.
pub(super) async fn embedding(config: &Config) -> anyhow::Result<String> {
    let embedder = ModelRegistry::new(&config.knowledge)?.connect_once().await?;
    embedder.embed_query("ready").await?;
    Ok(format!("{} with {} dimensions", embedder.name(), embedder.dimensions()))
}

/// The file store, with a file that is written, read and deleted.
pub(super) async fn files(config: &Config) -> anyhow::Result<String> {
    let files = Files::new(&config.knowledge.files)?;
    files.probe().await?;
    Ok("a file was written, read and deleted".to_owned())
}
