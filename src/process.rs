//! Builds the roles from the configuration, runs them, and ends them in order.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use async_nats::Client;
use chrono::TimeDelta;
use nats::Subjects;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::roles::checkpoint_signer::Notary;

use crate::api::live::Hub;
use crate::api::{self, Api, Knowledge, Parts};
use crate::config::Config;
use crate::knowledge::files::Files;
use crate::knowledge::models;
use crate::roles::eraser::Eraser;
use crate::roles::retention::Retention;
use crate::roles::{Role, answering, projector, sequencer};
use crate::runtime::wake::SealerWake;
use store::{Keyring, MasterKeyError, Store};

/// How long the roles may take to end what they are doing.
const GRACE: Duration = Duration::from_secs(15);
/// How long the start waits for erasures that a restored database has to be told again.
const ERASE_AGAIN: Duration = Duration::from_secs(20);
/// Connections of each role that works in the background, and of the keyring.
const SEQUENCER_CONNECTIONS: u32 = 3;
const PROJECTOR_CONNECTIONS: u32 = 2;
const WORKER_CONNECTIONS: u32 = 4;
const ERASER_CONNECTIONS: u32 = 2;
const KEYRING_CONNECTIONS: u32 = 4;

/// What all roles of a process share.
#[derive(Debug, Clone)]
pub struct App {
    config: Arc<Config>,
    roles: BTreeSet<Role>,
    nats: Client,
    subjects: Subjects,
    wake: SealerWake,
    keyring: Arc<Keyring>,
}

impl App {
    /// Connects to what the roles need. What is away is waited for by who needs it.
    pub async fn new(config: Config, roles: BTreeSet<Role>) -> anyhow::Result<Self> {
        let nats = nats::connect(config.nats_url.expose(), "colloquy").await?;
        let subjects = Subjects::new(&config.nats_prefix);
        let wake = if roles.contains(&Role::Sequencer) {
            SealerWake::local()
        } else {
            SealerWake::remote(nats.clone(), &subjects)
        };
        let pool = store::connect(config.database_url.expose(), KEYRING_CONNECTIONS)?;
        let keyring = Arc::new(
            Keyring::new(pool, config.master_key.clone()).with_previous(config.master_key_previous.clone()),
        );
        Ok(Self { config: Arc::new(config), roles, nats, subjects, wake, keyring })
    }

    /// The keys.
    pub const fn keyring(&self) -> &Arc<Keyring> {
        &self.keyring
    }

    /// Refuses to go on with a wrong master key. While the database is away the check is skipped: the roles wait for it.
    pub async fn check_master_key(&self) -> anyhow::Result<()> {
        match self.keyring.check_master_key().await {
            Err(MasterKeyError::Store(error)) if error.is_away() => {
                tracing::warn!(%error, "the master key could not be checked");
                Ok(())
            }
            checked => Ok(checked?),
        }
    }

    /// What wakes the sealer.
    pub fn wake(&self) -> SealerWake {
        self.wake.clone()
    }

    /// A store with a pool of its own, so that no role takes another's connections.
    pub fn store(&self, connections: u32) -> anyhow::Result<Store> {
        let pool = store::connect(self.config.database_url.expose(), connections)?;
        Ok(Store::new(pool, Arc::clone(&self.keyring)))
    }

    /// A database restored from before an erasure is erased again before it is served. Where that cannot be known yet, the
    /// eraser finds it out as soon as it can.
    async fn erase_again(&self) {
        let erasing = async { self.eraser()?.erase_again().await };
        match tokio::time::timeout(ERASE_AGAIN, erasing).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                tracing::warn!(error = format!("{error:#}"), "erasures could not be checked yet");
            }
            Err(_) => tracing::warn!("erasures could not be checked in time, and will be"),
        }
    }

    /// What carries erasures out.
    pub fn eraser(&self) -> anyhow::Result<Eraser> {
        Ok(Eraser {
            store: self.store(ERASER_CONNECTIONS)?,
            accounts: store::connect(self.config.auth_database_url.expose(), 1)?,
            collections: models::collections(&self.config.worker)?,
            files: Files::at(&self.config.worker.files_url)?,
            nats: self.nats.clone(),
            subjects: self.subjects.clone(),
            wake: self.wake.clone(),
        })
    }

    /// What ends things by time.
    pub fn retention(&self) -> anyhow::Result<Retention> {
        let keep = self.config.retention_days.map(|days| TimeDelta::days(days.into()));
        Ok(Retention { store: self.store(ERASER_CONNECTIONS)?, wake: self.wake.clone(), keep })
    }

    /// The connection to NATS.
    pub const fn nats(&self) -> &Client {
        &self.nats
    }

    /// The names of subjects and streams.
    pub const fn subjects(&self) -> &Subjects {
        &self.subjects
    }

    /// Who signs the ledger's head.
    pub fn notary(&self, store: Store) -> Notary {
        Notary::new(store, self.config.api.audit_signing_key.clone())
    }

    /// Runs the roles until `stop` is cancelled, or until one of them ends by itself, which is an error.
    ///
    /// The api ends first: it finishes what it accepted and ends its streams. The others end after it.
    pub async fn run(self, listener: Option<TcpListener>, stop: CancellationToken) -> anyhow::Result<()> {
        let background = CancellationToken::new();
        let mut front: JoinSet<anyhow::Result<()>> = JoinSet::new();
        let mut back: JoinSet<anyhow::Result<()>> = JoinSet::new();
        self.spawn_background(&mut back, &background)?;
        if self.roles.contains(&Role::Api) {
            let listener = listener.context("the api needs an address to listen on")?;
            self.erase_again().await;
            self.spawn_api(&mut front, listener, &stop)?;
        }
        let ended_early = tokio::select! {
            () = stop.cancelled() => None,
            Some(ended) = front.join_next() => Some(ended),
            Some(ended) = back.join_next() => Some(ended),
        };
        stop.cancel();
        let orderly = async {
            while front.join_next().await.is_some() {}
            background.cancel();
            while back.join_next().await.is_some() {}
        };
        if tokio::time::timeout(GRACE, orderly).await.is_err() {
            tracing::warn!("some work was cut off: it did not end in time");
        }
        match ended_early {
            None => Ok(()),
            Some(Ok(Ok(()))) => bail!("a role ended by itself"),
            Some(Ok(Err(error))) => Err(error),
            Some(Err(panicked)) => Err(panicked).context("a role panicked"),
        }
    }

    fn spawn_background(
        &self,
        tasks: &mut JoinSet<anyhow::Result<()>>,
        cancel: &CancellationToken,
    ) -> anyhow::Result<()> {
        let Self { config, nats, subjects, wake, .. } = self.clone();
        if self.roles.contains(&Role::Sequencer) {
            let store = self.store(SEQUENCER_CONNECTIONS)?;
            let signing = self.notary(store.clone()).keep_signing(nats.clone(), subjects.clone());
            let until = cancel.clone();
            tasks.spawn(async move {
                tokio::select! {
                    () = signing => {}
                    () = until.cancelled() => {}
                }
                Ok(())
            });
            let sealing = sequencer::run(store, nats.clone(), subjects.clone(), wake.clone(), cancel.clone());
            tasks.spawn(async {
                sealing.await;
                Ok(())
            });
        }
        if self.roles.contains(&Role::Projector) {
            let store = self.store(PROJECTOR_CONNECTIONS)?;
            let projecting = projector::run(store, nats.clone(), subjects.clone(), cancel.clone());
            tasks.spawn(async {
                projecting.await;
                Ok(())
            });
        }
        if self.roles.contains(&Role::Worker) {
            let (eraser, until) = (self.eraser()?, cancel.clone());
            tasks.spawn(async {
                eraser.run(until).await;
                Ok(())
            });
            let (retention, until) = (self.retention()?, cancel.clone());
            tasks.spawn(async {
                retention.run(until).await;
                Ok(())
            });
            let (store, cancel) = (self.store(WORKER_CONNECTIONS)?, cancel.clone());
            tasks.spawn(async move {
                Box::pin(answering::start(&config.worker, store, nats, subjects, wake, cancel)).await
            });
        }
        Ok(())
    }

    fn spawn_api(
        &self,
        tasks: &mut JoinSet<anyhow::Result<()>>,
        listener: TcpListener,
        stop: &CancellationToken,
    ) -> anyhow::Result<()> {
        let store = self.store(self.config.database_connections)?;
        let hub = Hub::new(store.clone(), self.nats.clone(), self.subjects.clone());
        let (listening, until) = (hub.clone(), stop.clone());
        tasks.spawn(async move {
            listening.run(until).await;
            Ok(())
        });
        let parts = Parts {
            store,
            accounts: store::connect(self.config.auth_database_url.expose(), 1)?,
            knowledge: Knowledge {
                index: models::collections(&self.config.worker)?.answered_from(),
                files: Files::at(&self.config.worker.files_url)?,
            },
            nats: self.nats.clone(),
            hub,
            wake: self.wake.clone(),
        };
        let api = Api::new(self.config.api.clone(), parts, stop.clone())?;
        let (following, until) = (api.clone(), stop.clone());
        tasks.spawn(async move {
            following.follow_erasures(until).await;
            Ok(())
        });
        let stop = stop.clone();
        tasks.spawn(async move {
            api.warm_up().await;
            let service = api::router(api).into_make_service_with_connect_info::<SocketAddr>();
            let serving = axum::serve(listener, service).with_graceful_shutdown(stop.cancelled_owned());
            serving.await.context("failed to serve")
        });
        Ok(())
    }
}
