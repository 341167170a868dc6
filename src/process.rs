//! Builds the roles from the configuration and runs them under one supervisor.

mod background;
mod checks;
mod observed;
mod pools;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use async_nats::Client;
use nats::{Problems, Subjects};
use tokio::net::TcpListener;

use crate::api::live::Live;
use crate::api::{self, ApiState, Knowledge, ModelChoices, Services};
use crate::audit::CheckpointSigner;
use crate::config::{AppConfig, Config};
use crate::health::{Health, Pools};
use crate::knowledge::extraction::Extractor;
use crate::knowledge::files::Files;
use crate::knowledge::models;
use crate::language_models::LanguageModels;
use crate::roles::file_sweep::FileSweep;
use crate::roles::{Role, answering, checkpoint_signer, key_watch, nats_watch, projector, sequencer};
use crate::runtime::erasure_check::ErasureCheck;
use crate::runtime::stages::Stages;
use crate::runtime::supervisor::{Shutdown, Stage, Supervisor};
use crate::runtime::wake::SequencerWake;
use checks::PoolerCheck;
use store::{AccountsDatabase, Database, Keyring, Store};

/// Time that all roles together have to end.
const GRACE: Duration = Duration::from_secs(15);

/// The connections and settings that all roles of a process share.
#[derive(Debug, Clone)]
pub struct App {
    config: Arc<AppConfig>,
    roles: BTreeSet<Role>,
    nats: Client,
    nats_problems: Problems,
    subjects: Subjects,
    wake: SequencerWake,
    keyring: Arc<Keyring>,
    pooler_check: PoolerCheck,
    stages: Stages,
    pools: Pools,
}

impl App {
    /// Prepares the connections. A dependency that is away does not fail the start: the role that needs it
    /// waits for it.
    pub async fn new(config: AppConfig, roles: BTreeSet<Role>) -> anyhow::Result<Self> {
        let nats_problems = Problems::default();
        let connection = config.nats.connection(&config.nats_url);
        let nats = nats::connect(&connection, "colloquy", &nats_problems).await?;
        let subjects = Subjects::new(&config.nats_prefix).with_streams(config.nats.streams());
        let wake = if roles.contains(&Role::Sequencer) {
            SequencerWake::local()
        } else {
            SequencerWake::remote(nats.clone(), &subjects)
        };
        let prepared = config.database_prepared_statements;
        let database = Database::connect_by(&config.database_url, pools::KEYRING, prepared)?;
        let keyring = Arc::new(
            Keyring::new(database, config.master_key.clone())
                .with_previous(config.master_key_previous.clone()),
        );
        let (stages, pools) = (Stages::default(), Pools::with_keyring(&keyring, pools::KEYRING));
        Ok(Self {
            config: Arc::new(config),
            roles,
            nats,
            nats_problems,
            subjects,
            wake,
            keyring,
            stages,
            pools,
            pooler_check: PoolerCheck::default(),
        })
    }

    /// Encryption keys.
    pub const fn keyring(&self) -> &Arc<Keyring> {
        &self.keyring
    }

    /// Wakes the sequencer.
    pub fn wake(&self) -> SequencerWake {
        self.wake.clone()
    }

    /// A store with a connection pool of its own, so that no role uses up the connections of another.
    pub fn store(&self, connections: u32) -> anyhow::Result<Store> {
        let prepared = self.config.database_prepared_statements;
        let database = Database::connect_by(&self.config.database_url, connections, prepared)?;
        Ok(Store::new(database, Arc::clone(&self.keyring)))
    }

    /// The same, whose connections are counted under the name of a role.
    fn pool(&self, name: &'static str, connections: u32) -> anyhow::Result<Store> {
        let store = self.store(connections)?;
        self.pools.add(name, store.clone(), connections);
        Ok(store)
    }

    /// The connection to NATS.
    pub const fn nats(&self) -> &Client {
        &self.nats
    }

    /// The names of subjects and streams.
    pub const fn subjects(&self) -> &Subjects {
        &self.subjects
    }

    /// Signs the ledger's head.
    pub fn signer(&self, store: Store) -> CheckpointSigner {
        CheckpointSigner::new(store, self.config.audit_signing_key.clone())
    }

    /// Runs the roles until `shutdown`, or until one of them ends early, which is an error.
    pub async fn run(
        self,
        config: Config,
        listener: Option<TcpListener>,
        health: Health,
        shutdown: Shutdown,
    ) -> anyhow::Result<()> {
        let mut supervisor = Supervisor::reporting_to(self.stages.clone());
        self.spawn_health(&mut supervisor, &health)?;
        self.spawn_schema_check(&mut supervisor);
        self.spawn_pooler_check(&mut supervisor);
        self.spawn_watches(&mut supervisor)?;
        if self.roles.contains(&Role::Sequencer) {
            self.spawn_sequencer(&mut supervisor)?;
        }
        if self.roles.contains(&Role::Projector) {
            self.spawn_projector(&mut supervisor, config.projection.quarantine_limit)?;
        }
        let erasure_check = self.spawn_erasure_check(&config, &mut supervisor)?;
        health.include_erasures(erasure_check.clone());
        let models = LanguageModels::new(config.worker.model.offered())?;
        if self.roles.contains(&Role::Worker) {
            self.spawn_worker(&config, &mut supervisor, erasure_check.clone(), models.clone())?;
        }
        if self.roles.contains(&Role::Api) {
            let listener = listener.context("the api role has no address to listen on")?;
            self.spawn_api(&config, &mut supervisor, listener, (health, erasure_check, models))?;
        }
        supervisor.run(shutdown, GRACE).await
    }

    /// Starts the watches of destroyed keys and of NATS.
    fn spawn_watches(&self, supervisor: &mut Supervisor) -> anyhow::Result<()> {
        let (nats, subjects) = (self.nats.clone(), self.subjects.clone());
        let keys = key_watch::run(self.pool("key_watch", pools::KEY_WATCH)?, nats.clone(), subjects.clone());
        supervisor.spawn_loop("key_watch", Stage::Background, keys);
        let watching = nats_watch::run(nats, subjects, self.nats_problems.clone());
        supervisor.spawn_loop("nats_watch", Stage::Background, watching);
        Ok(())
    }

    /// Starts the check of erasures since the backup that the database may come from, for the roles that show
    /// or use texts of users.
    fn spawn_erasure_check(
        &self,
        config: &Config,
        supervisor: &mut Supervisor,
    ) -> anyhow::Result<ErasureCheck> {
        if !self.roles.contains(&Role::Api) && !self.roles.contains(&Role::Worker) {
            return Ok(ErasureCheck::done());
        }
        let (report, check) = ErasureCheck::begin();
        let eraser = self.eraser("erasure_check", config)?;
        supervisor.spawn_loop("erasure_check", Stage::Background, async move {
            eraser.check(&report).await;
            std::future::pending::<()>().await;
        });
        Ok(check)
    }

    fn spawn_sequencer(&self, supervisor: &mut Supervisor) -> anyhow::Result<()> {
        let store = self.pool("sequencer", pools::SEQUENCER)?;
        let (nats, subjects) = (self.nats.clone(), self.subjects.clone());
        let signing = checkpoint_signer::run(self.signer(store.clone()), nats.clone(), subjects.clone());
        supervisor.spawn_loop("checkpoint_signer", Stage::Background, signing);
        let sequencing = sequencer::run(store, nats, subjects, self.wake.clone());
        supervisor.spawn_loop("sequencer", Stage::Background, sequencing);
        Ok(())
    }

    fn spawn_projector(&self, supervisor: &mut Supervisor, limit: u32) -> anyhow::Result<()> {
        let store = self.pool("projector", pools::PROJECTOR)?;
        let projecting = projector::run(store, self.nats.clone(), self.subjects.clone(), limit);
        supervisor.spawn_loop("projector", Stage::Background, projecting);
        Ok(())
    }

    fn spawn_worker(
        &self,
        config: &Config,
        supervisor: &mut Supervisor,
        erasure_check: ErasureCheck,
        models: LanguageModels,
    ) -> anyhow::Result<()> {
        supervisor.spawn_loop("eraser", Stage::Background, self.eraser("eraser", config)?.run());
        supervisor.spawn_loop("account_facts", Stage::Background, self.account_facts(config)?.run());
        supervisor.spawn_loop("retention", Stage::Background, self.retention(&config.worker)?.run());
        let sweep = FileSweep {
            store: self.pool("file_sweep", pools::FILE_SWEEP)?,
            files: Files::new(&config.knowledge.files)?,
        };
        supervisor.spawn_loop("file_sweep", Stage::Background, sweep.run());
        let (worker, knowledge) = (config.worker.clone(), config.knowledge.clone());
        let (nats, subjects, wake) = (self.nats.clone(), self.subjects.clone(), self.wake.clone());
        let connections =
            answering::Connections { store: self.pool("worker", pools::WORKER)?, nats, subjects, wake };
        let cancel = supervisor.token(Stage::Background);
        supervisor.spawn("worker", Stage::Background, async move {
            if cancel.run_until_cancelled(erasure_check.wait()).await.is_none() {
                return Ok(());
            }
            Box::pin(answering::start(&worker, &knowledge, models, connections, cancel)).await
        });
        Ok(())
    }

    fn spawn_api(
        &self,
        config: &Config,
        supervisor: &mut Supervisor,
        listener: TcpListener,
        (health, erasure_check, models): (Health, ErasureCheck, LanguageModels),
    ) -> anyhow::Result<()> {
        let limits = config.api.limits.conversation();
        let store = self.pool("api", config.api.database_connections)?.with_conversation_limits(limits);
        let stop = supervisor.token(Stage::Intake);
        let live = Live::new(store.clone(), self.nats.clone(), self.subjects.clone());
        let (listening, until) = (live.clone(), stop.clone());
        supervisor.spawn("live", Stage::Intake, async move {
            Box::pin(listening.run(until)).await;
            Ok(())
        });
        let services = Services {
            signer: self.signer(store.clone()),
            store,
            accounts: AccountsDatabase::connect(
                &config.auth_database_url,
                &config.auth_schema,
                pools::ACCOUNTS,
            )?,
            knowledge: Knowledge {
                index: models::collections(&config.knowledge.qdrant)?.active_index(),
                files: Files::new(&config.knowledge.files)?,
                extractor: Extractor::new(&config.knowledge.extraction)?,
            },
            nats: self.nats.clone(),
            health,
            live,
            wake: self.wake.clone(),
            short_lived: supervisor.short_lived(),
            erasure_check,
            models: ModelChoices::new(models),
        };
        let api = ApiState::new(&config.api, services)?;
        let config = config.api.clone();
        for (name, task) in api.background_tasks() {
            supervisor.spawn_loop(name, Stage::Intake, task);
        }
        supervisor.spawn("http", Stage::Intake, async move {
            api.warm_up().await;
            api::serve(listener, api::router(api.clone(), &config), &config, stop).await;
            api.leave().await;
            Ok(())
        });
        Ok(())
    }
}
