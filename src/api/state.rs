//! State of the router. A handler takes the parts it needs with one `State<Part>` extractor each.

use std::sync::Arc;

use async_nats::Client;
use axum::extract::FromRef;
use futures::FutureExt as _;
use futures::future::BoxFuture;

use crate::api::account_service::AccountService;
use crate::api::accounts::Accounts;
use crate::api::cursor::Cursors;
use crate::api::identity::Identity;
use crate::api::limits::Limits;
use crate::api::live::Live;
use crate::api::models::ModelChoices;
use crate::api::page::WebPage;
use crate::api::reads::ReadModels;
use crate::api::stream::Streams;
use crate::audit::CheckpointSigner;
use crate::config::ApiConfig;
use crate::health::Health;
use crate::knowledge::extraction::Extractor;
use crate::knowledge::files::Files;
use crate::operations::accounts::AccountAdministration;
use crate::runtime::erasure_check::ErasureCheck;
use crate::runtime::supervisor::ShortLived;
use crate::runtime::wake::SequencerWake;
use store::{AccountsDatabase, Store};

/// Passages and files of documents.
#[derive(Clone)]
pub struct Knowledge {
    /// Index of the passages.
    pub index: rag::index::PassageIndex,
    /// Store of the encrypted files.
    pub files: Files,
    /// Makes pictures of pages.
    pub extractor: Extractor,
}

impl std::fmt::Debug for Knowledge {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Knowledge").field("files", &self.files).finish_non_exhaustive()
    }
}

/// Connections that the process gives to the API.
#[derive(Debug)]
pub struct Services {
    /// Events, keys and read models.
    pub store: Store,
    /// The tables of the account service.
    pub accounts: AccountsDatabase,
    /// Passages and files of documents.
    pub knowledge: Knowledge,
    /// Announcements of erasures and of new ledger entries.
    pub nats: Client,
    /// Health of the process.
    pub health: Health,
    /// Live state of this process.
    pub live: Live,
    /// Notified after each append.
    pub wake: SequencerWake,
    /// Signs the head of the ledger.
    pub signer: CheckpointSigner,
    /// Runs the tasks behind streams.
    pub short_lived: ShortLived,
    /// The check of erasures since a backup; users are refused before it is done.
    pub erasure_check: ErasureCheck,
    /// Language models that people can choose from.
    pub models: ModelChoices,
}

/// State of the router. A clone costs one reference count.
#[derive(Debug, Clone)]
pub struct ApiState(Arc<Parts>);

#[derive(Debug)]
struct Parts {
    store: Store,
    wake: SequencerWake,
    nats: Client,
    health: Health,
    live: Arc<Live>,
    identity: Arc<Identity>,
    accounts: Arc<Accounts>,
    account_service: Arc<AccountService>,
    reads: Arc<ReadModels>,
    cursors: Arc<Cursors>,
    knowledge: Knowledge,
    signer: CheckpointSigner,
    streams: Arc<Streams>,
    web_page: WebPage,
    limits: Arc<Limits>,
    erasure_check: ErasureCheck,
    models: ModelChoices,
}

/// Lets handlers extract parts of the state.
macro_rules! extractable {
    ($($part:ident: $type:ty,)+) => {
        $(impl FromRef<ApiState> for $type {
            fn from_ref(state: &ApiState) -> Self {
                state.0.$part.clone()
            }
        })+
    };
}

extractable! {
    store: Store,
    wake: SequencerWake,
    nats: Client,
    health: Health,
    live: Arc<Live>,
    identity: Arc<Identity>,
    accounts: Arc<Accounts>,
    account_service: Arc<AccountService>,
    reads: Arc<ReadModels>,
    cursors: Arc<Cursors>,
    knowledge: Knowledge,
    signer: CheckpointSigner,
    streams: Arc<Streams>,
    web_page: WebPage,
    limits: Arc<Limits>,
    erasure_check: ErasureCheck,
    models: ModelChoices,
}

impl ApiState {
    /// Builds the state from the connections of the process.
    pub fn new(config: &ApiConfig, services: Services) -> anyhow::Result<Self> {
        let Services {
            store,
            accounts: account_tables,
            knowledge,
            nats,
            health,
            live,
            wake,
            signer,
            short_lived,
            erasure_check,
            models,
        } = services;
        let live = Arc::new(live);
        let limits = Arc::new(Limits::new(&config.limits, &config.connections));
        let accounts =
            Arc::new(Accounts::new(store.clone(), wake.clone(), Arc::clone(&live), erasure_check.clone()));
        let identity = Arc::new(Identity::new(config, account_tables.clone(), Arc::clone(&limits))?);
        let administration = AccountAdministration {
            store: store.clone(),
            accounts: account_tables.clone(),
            wake: wake.clone(),
            nats: nats.clone(),
            subjects: live.subjects().clone(),
        };
        Ok(Self(Arc::new(Parts {
            account_service: Arc::new(AccountService::new(config, administration)?),
            reads: Arc::new(ReadModels::new(store.clone(), Arc::clone(&live), Arc::clone(&limits))),
            cursors: Arc::new(Cursors::new(store.keyring().master())),
            streams: Arc::new(Streams::new(
                store.clone(),
                Arc::clone(&live),
                nats.clone(),
                Arc::clone(&accounts),
                Arc::clone(identity.revocations()),
                short_lived,
            )),
            identity,
            web_page: WebPage::new(config.web_dir.as_deref(), config.public_url.base_path()),
            limits,
            erasure_check,
            models,
            accounts,
            store,
            wake,
            nats,
            health,
            live,
            knowledge,
            signer,
        })))
    }

    /// Fetches the signing keys of the account service, so that the first request does not wait for them.
    pub async fn warm_up(&self) {
        self.0.identity.warm_up().await;
    }

    /// Tasks beside the requests, by name. They never end.
    pub fn background_tasks(&self) -> [(&'static str, BoxFuture<'static, ()>); 4] {
        let [revoking, erasing, noting, registered] = std::array::from_fn(|_| Arc::clone(&self.0));
        let accounts_changed = self.0.live.subjects().accounts_changed();
        [
            // Reports of the account service on ended sessions, bans and roles.
            (
                "revocation_list",
                async move {
                    revoking.identity.follow_revocations(revoking.nats.clone(), accounts_changed).await;
                }
                .boxed(),
            ),
            // Drops cached data of users whose erasure is announced.
            (
                "erasure_listener",
                async move { erasing.accounts.follow_erasures(&erasing.nats).await }.boxed(),
            ),
            // On which days conversations and documents were opened.
            ("last_reads", async move { noting.reads.write_last_reads().await }.boxed()),
            // Tells other processes that this one accepts commands.
            ("registration", async move { registered.reads.keep_registered().await }.boxed()),
        ]
    }

    /// Ends the registration, after the last command.
    pub async fn leave(&self) {
        self.0.reads.leave().await;
    }
}
