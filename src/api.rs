//! The HTTP contract: one file for one resource. `problem.rs` alone knows status codes of errors.

mod caller;
mod cursor;
pub mod identity;
pub mod live;
mod middleware;
mod page;
mod problem;
pub mod reads;
mod recently_seen;
mod routes;
mod stream;

use std::sync::Arc;

use async_nats::Client;
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{get, post};
use futures::FutureExt as _;
use projections as read;
use quick_cache::sync::Cache;

use crate::api::identity::Identity;
use crate::api::live::Live;
use crate::api::recently_seen::Lately;
use crate::audit::CheckpointSigner;
use crate::config::ApiConfig;
use crate::runtime::supervisor::ShortLived;
use crate::runtime::wake::SequencerWake;
use middleware::{layers, metrics, rate_limit};
use reads::batched::Gathered;
pub use routes::openapi::document as openapi;
use routes::{
    audit, commands, conversations, documents, erasures, export, health, me, messages,
    openapi as description, search,
};
use store::Store;

/// The largest body of a command, in bytes: a question of 32,768 bytes, escaped as unluckily as can be.
const BODY_LIMIT: usize = 256 << 10;
/// Accounts known to be open.
const OPENED: usize = 50_000;
/// Accounts known to be erased; the account itself knows of those that do not fit.
const ERASING: usize = 10_000;
/// People whose lists were opened lately.
const LISTED: usize = 1 << 15;

/// Where documents are.
#[derive(Clone)]
pub struct Knowledge {
    /// Their passages.
    pub index: rag::index::PassageIndex,
    /// Their files.
    pub files: crate::knowledge::files::Files,
}

impl std::fmt::Debug for Knowledge {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Knowledge").field("files", &self.files).finish_non_exhaustive()
    }
}

/// What the api works with.
#[derive(Debug)]
pub struct Parts {
    /// Events, keys and read models.
    pub store: Store,
    /// The account service's own tables.
    pub accounts: sqlx::PgPool,
    /// Where knowledge lies.
    pub knowledge: Knowledge,
    /// For commands that wait for the read model, and for stops.
    pub nats: Client,
    /// Where streams hear of events.
    pub live: Live,
    /// Told of every append.
    pub wake: SequencerWake,
    /// Where the tasks of streams and exports run.
    pub short_lived: ShortLived,
}

/// What the handlers share. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Api {
    shared: Arc<Shared>,
}

#[doc(hidden)]
#[derive(Debug)]
pub struct Shared {
    config: ApiConfig,
    store: Store,
    nats: Client,
    live: Live,
    lists: Gathered<read::conversations::ListRequest, read::conversations::ListPage>,
    listed: Lately,
    pages: Gathered<read::messages::PageRequest, Option<read::messages::MessagesPage>>,
    identity: Identity,
    wake: SequencerWake,
    cursors: cursor::Cursors,
    opened: Cache<aggregates::UserId, ()>,
    erasing: Cache<aggregates::UserId, ()>,
    accounts: sqlx::PgPool,
    knowledge: Knowledge,
    rates: rate_limit::RateLimit,
    metrics: metrics::Metrics,
    proxy: reqwest::Client,
    short_lived: ShortLived,
    signer: CheckpointSigner,
}

impl std::ops::Deref for Api {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.shared
    }
}

impl Api {
    /// The api over its parts.
    pub fn new(config: ApiConfig, parts: Parts) -> anyhow::Result<Self> {
        let Parts { store, accounts, knowledge, nats, live, wake, short_lived } = parts;
        let signer = CheckpointSigner::new(store.clone(), config.audit_signing_key.clone());
        let shared = Shared {
            identity: Identity::new(&config)?,
            lists: Gathered::new(store.pool().clone(), |pool, requests| {
                async move { read::conversations::lists(&pool, &requests).await }.boxed()
            }),
            pages: Gathered::new(store.pool().clone(), |pool, requests| {
                async move { read::messages::pages(&pool, &requests).await }.boxed()
            }),
            cursors: cursor::Cursors::new(store.keyring().master()),
            listed: Lately::new(LISTED),
            opened: Cache::new(OPENED),
            erasing: Cache::new(ERASING),
            accounts,
            knowledge,
            rates: rate_limit::RateLimit::new(config.rate_limit),
            metrics: metrics::Metrics::default(),
            proxy: page::proxy_client()?,
            config,
            store,
            nats,
            live,
            wake,
            short_lived,
            signer,
        };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// Fetches what the first request would wait for.
    pub async fn warm_up(&self) {
        self.identity.warm_up().await;
    }
}

/// All routes.
pub fn router(api: Api) -> Router {
    let timed = Router::new()
        .route("/v1/conversations", get(conversations::list))
        .route("/v1/conversations/{id}", get(conversations::one))
        .route("/v1/conversations/{id}/commands", post(commands::command))
        .route("/v1/conversations/{id}/messages", get(messages::list))
        .route("/v1/documents", get(documents::list))
        .route("/v1/documents/{id}", get(documents::one).delete(documents::remove))
        .route("/v1/documents/{id}/passages/{number}", get(documents::passage))
        .route("/v1/search", get(search::search))
        .route("/v1/usage", get(me::usage))
        .route("/v1/me", get(me::me).delete(erasures::erase))
        .route("/v1/erasures/{receipt}", get(erasures::state))
        .route("/livez", get(health::livez))
        .route("/readyz", get(health::readyz))
        .route("/metrics", get(health::metrics))
        .route("/openapi.json", get(description::json))
        .layer(from_fn(layers::time_limit));
    let streams = Router::new()
        .route("/v1/me/export", get(export::export))
        .route("/v1/stream", get(stream::user))
        .route("/v1/conversations/{id}/stream", get(stream::conversation));
    // Neither compressed nor limited in time: an export is as long as history.
    let audit = Router::new()
        .route("/v1/audit/events", get(audit::events))
        .route("/v1/audit/events/stream", get(audit::follow))
        .route("/v1/audit/conversations/{id}", get(audit::conversation))
        .route("/v1/audit/checkpoint", get(audit::checkpoint))
        .route("/v1/audit/keys", get(audit::keys))
        .layer(from_fn(layers::time_limit));
    let compressed = layers::compressed(timed).merge(description::page());
    // A slow line may take its time for a large file.
    let uploads = Router::new()
        .route("/v1/documents", post(documents::add))
        .layer(DefaultBodyLimit::max(documents::BODY_LIMIT))
        .layer(from_fn(layers::upload_time_limit));
    compressed
        .merge(uploads)
        .merge(streams)
        .merge(audit)
        .route("/api/auth/{*path}", axum::routing::any(page::accounts))
        .fallback(page::page)
        .method_not_allowed_fallback(async || problem::Problem::method_not_allowed())
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .layer(layers::cors(&api.config.cors_origins))
        .layer(from_fn_with_state(api.clone(), layers::outermost))
        .with_state(api)
}
