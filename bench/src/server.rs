//! The services, the seeded database, and the product itself as a child process.

mod answering;

use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use embedded::{DataDir, Nats, Parts, Pooler, Postgres, Program, Readiness, Service, WithModel};
use sealing::MasterKey;
use sqlx::{Connection as _, PgConnection};

use crate::accounts::Accounts;
use crate::processes::Watched;
use crate::seed::{self, Seeded};
use crate::settings::Settings;

/// Settings of the pooler, with connections to the server for eight processes.
const POOLER: &str = "pool_mode = transaction\nmax_client_conn = 1000\ndefault_pool_size = 60\n";

/// The database of the run, copied from the seeded one.
const RUN: &str = "bench_run";

pub(crate) type Environment = Vec<(&'static str, String)>;

/// Postgres, NATS and the account service's stand-in.
#[derive(Debug)]
pub(crate) struct Server {
    data: DataDir,
    parts: Parts,
    postgres: Postgres,
    nats: Nats,
    pub(crate) accounts: Accounts,
    master_key: String,
    pub(crate) database_url: String,
}

impl Server {
    /// Starts the services.
    pub(crate) async fn start() -> anyhow::Result<Self> {
        let data = DataDir::open(&embedded::repository()?.join(".data").join("bench"))?;
        let parts = Parts::locate(WithModel::No).await?;
        let (postgres, nats, accounts) = tokio::try_join!(
            async { Ok(Postgres::start(&parts, &data).await?) },
            async { Ok(Nats::start(&parts, &data).await?) },
            Accounts::start(),
        )?;
        let (_, master_key) = data.secret("master_key")?;
        let database_url = postgres.url(RUN);
        Ok(Self { data, parts, postgres, nats, accounts, master_key, database_url })
    }

    /// Copies the seeded database, which is kept for the next run. Returns the seed if it was created.
    pub(crate) async fn prepare(&self, settings: &Settings) -> anyhow::Result<Option<Seeded>> {
        let name = format!("seeded_with_branches_{}_{}", settings.users, settings.messages);
        let mut maintenance = PgConnection::connect(&self.postgres.url("postgres")).await?;
        let seeded = if exists(&mut maintenance, &name).await? {
            None
        } else {
            Some(self.seed(settings, &name).await?)
        };
        if !settings.keep || !exists(&mut maintenance, RUN).await? {
            sqlx::query(&format!("DROP DATABASE IF EXISTS {RUN} WITH (FORCE)"))
                .execute(&mut maintenance)
                .await?;
            let copy = format!("CREATE DATABASE {RUN} TEMPLATE {name} STRATEGY file_copy");
            sqlx::query(&copy).execute(&mut maintenance).await?;
            // It may have been seeded before the newest migration.
            store::migrate(&self.database_url.as_str().into()).await?;
        }
        maintenance.close().await?;
        // The stream of an earlier run knows positions that this ledger does not have.
        self.nats.wipe().await?;
        Ok(seeded)
    }

    /// Seeds under another name first, so that a seeding that was interrupted is not taken for a whole one.
    async fn seed(&self, settings: &Settings, name: &str) -> anyhow::Result<Seeded> {
        let mut maintenance = PgConnection::connect(&self.postgres.url("postgres")).await?;
        sqlx::query("DROP DATABASE IF EXISTS seeding WITH (FORCE)").execute(&mut maintenance).await?;
        let url = self.postgres.create_database("seeding").await?;
        store::migrate(&url.as_str().into()).await?;
        let seeded = seed::seed(settings, &self.master_key()?, &url).await?;
        sqlx::query(&format!("ALTER DATABASE seeding RENAME TO {name}")).execute(&mut maintenance).await?;
        Ok(seeded)
    }

    /// Has the product rebuild all read models, and says how long that took.
    pub(crate) async fn rebuild(&self) -> anyhow::Result<Duration> {
        let began = Instant::now();
        self.run("rebuild", &["rebuild"], &self.environment()).await?;
        Ok(began.elapsed())
    }

    /// Runs at once what Postgres runs within minutes after so many rows: statistics and a checkpoint. Loads
    /// read models and keys into its cache as after some use.
    pub(crate) async fn settle(&self) -> anyhow::Result<()> {
        let mut connection = PgConnection::connect(&self.postgres.superuser_url(RUN)).await?;
        sqlx::query("VACUUM (ANALYZE)").execute(&mut connection).await?;
        sqlx::query("CHECKPOINT").execute(&mut connection).await?;
        sqlx::query("CREATE EXTENSION IF NOT EXISTS pg_prewarm").execute(&mut connection).await?;
        sqlx::query(PREWARM).execute(&mut connection).await?;
        connection.close().await?;
        Ok(())
    }

    /// Collects the statistics of a database at once, as Postgres does within a minute after its first rows. Plans
    /// for empty tables read whole tables.
    pub(crate) async fn analyze(&self, database: &str) -> anyhow::Result<()> {
        let mut connection = PgConnection::connect(&self.postgres.superuser_url(database)).await?;
        sqlx::query("VACUUM (ANALYZE)").execute(&mut connection).await?;
        connection.close().await?;
        Ok(())
    }

    /// Starts the product: api, sequencer and projector in one process.
    pub(crate) async fn serve(&self) -> anyhow::Result<Service> {
        self.start_roles("colloquy", "api,sequencer,projector", &self.environment()).await
    }

    /// The same with the default limits per person.
    pub(crate) async fn serve_with_limits(&self) -> anyhow::Result<Service> {
        let mut environment = self.environment();
        environment.retain(|(name, _)| !name.starts_with("LIMIT_"));
        self.start_roles("limited", "api,sequencer,projector", &environment).await
    }

    /// The same as [`Self::serve`] with more settings.
    pub(crate) async fn serve_with(
        &self,
        name: &'static str,
        settings: &[(&'static str, String)],
    ) -> anyhow::Result<Service> {
        let mut environment = self.environment();
        environment.extend(settings.iter().cloned());
        self.start_roles(name, "api,sequencer,projector", &environment).await
    }

    /// An empty database with subjects of its own; its URL, and the environment of processes on it.
    pub(crate) async fn empty_database(&self, name: &'static str) -> anyhow::Result<(String, Environment)> {
        let mut maintenance = PgConnection::connect(&self.postgres.url("postgres")).await?;
        let drop = format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)");
        sqlx::query(&drop).execute(&mut maintenance).await?;
        maintenance.close().await?;
        let url = self.postgres.create_database(name).await?;
        store::migrate(&url.as_str().into()).await?;
        let mut environment = self.environment();
        environment.retain(|(name, _)| *name != "DATABASE_URL");
        environment.extend([("DATABASE_URL", url.clone()), ("NATS_PREFIX", name.to_owned())]);
        Ok((url, environment))
    }

    /// Starts a pooler in transaction mode before a database, and leads an environment through it.
    pub(crate) async fn pooler(
        &self,
        database_url: &str,
        environment: &mut Environment,
    ) -> anyhow::Result<Pooler> {
        let (prepared, keeping) =
            if Pooler::keeps_statements()? { ("on", "max_prepared_statements = 200\n") } else { ("off", "") };
        let pooler = self.pooler_with(database_url, &format!("{POOLER}{keeping}")).await?;
        environment.retain(|(name, _)| *name != "DATABASE_URL");
        environment.extend([
            ("DATABASE_URL", pooler.url(database_url)),
            ("DATABASE_DIRECT_URL", database_url.to_owned()),
            ("DATABASE_PREPARED_STATEMENTS", prepared.to_owned()),
        ]);
        Ok(pooler)
    }

    /// Starts a pooler before a database by lines of its configuration.
    pub(crate) async fn pooler_with(&self, database_url: &str, settings: &str) -> anyhow::Result<Pooler> {
        Ok(Pooler::start(&self.data, database_url, settings).await?)
    }

    pub(crate) fn master_key(&self) -> anyhow::Result<MasterKey> {
        Ok(MasterKey::parse(&self.master_key.as_str().into())?)
    }

    /// Starts a process of one role. Only an api process says when it is ready.
    pub(crate) async fn role(
        &self,
        name: &'static str,
        role: &str,
        environment: &Environment,
    ) -> anyhow::Result<Service> {
        let ready = if role == "api" { Readiness::Answers("/readyz") } else { Readiness::Prints("") };
        self.start_process(name, role, ready, environment).await
    }

    /// Starts a process of several roles, an api among them.
    pub(crate) async fn start_roles(
        &self,
        name: &'static str,
        roles: &str,
        environment: &Environment,
    ) -> anyhow::Result<Service> {
        self.start_process(name, roles, Readiness::Answers("/readyz"), environment).await
    }

    async fn start_process(
        &self,
        name: &'static str,
        roles: &str,
        ready: Readiness,
        environment: &Environment,
    ) -> anyhow::Result<Service> {
        let address = embedded::free_port()?;
        let program = embedded::binary_beside_this("colloquy")?;
        let mut program = Program::new(name, program, address, ready)
            .argument("serve")
            .argument("--role")
            .argument(roles)
            .variable("LISTEN", address.to_string());
        for (name, value) in environment {
            program = program.variable(name, value);
        }
        Ok(Service::start_new(&self.data, program).await?)
    }

    /// Runs a command of the product to its end.
    async fn run(&self, name: &str, arguments: &[&str], environment: &Environment) -> anyhow::Result<()> {
        let log = self.data.logs().join(format!("{name}.log"));
        let mut command = tokio::process::Command::new(embedded::binary_beside_this("colloquy")?);
        command.args(arguments).envs(environment.iter().map(|(name, value)| (name, value)));
        command.current_dir(embedded::repository()?).kill_on_drop(true);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(std::fs::File::create(&log)?);
        if !command.status().await?.success() {
            bail!("`colloquy {}` failed; see {}", arguments.join(" "), log.display());
        }
        Ok(())
    }

    /// The processes to watch.
    pub(crate) fn watched(&self, colloquy: &Service) -> anyhow::Result<Watched> {
        let id = |service: &Service| service.process_id().context("a service is gone");
        Ok(Watched { colloquy: id(colloquy)?, postgres: id(&self.postgres)?, nats: id(&self.nats)? })
    }

    /// The folder of the services.
    pub(crate) const fn data(&self) -> &DataDir {
        &self.data
    }

    /// For `NATS_URL`.
    pub(crate) fn nats_url(&self) -> String {
        self.nats.url()
    }

    /// Ends the services in order.
    pub(crate) async fn stop(self) -> anyhow::Result<()> {
        self.nats.stop().await?;
        self.postgres.stop().await?;
        Ok(())
    }

    fn environment(&self) -> Environment {
        vec![
            ("DATABASE_URL", self.database_url.clone()),
            ("NATS_URL", self.nats.url()),
            ("AUTH_URL", self.accounts.url()),
            ("MASTER_KEY", self.master_key.clone()),
            ("FILES_URL", format!("file://{}", self.data.path().join("files").display())),
            ("MAX_ANONYMOUS_CONNECTIONS", "4096".to_owned()),
            ("MAX_ANONYMOUS_CONNECTIONS_PER_ADDRESS", "4096".to_owned()),
            ("LIMIT_REQUESTS", "0".to_owned()),
            ("LIMIT_COMMANDS", "0".to_owned()),
            ("LIMIT_SEARCH", "0".to_owned()),
            ("LIMIT_PENDING_ANSWERS", "0".to_owned()),
            ("LIMIT_CONVERSATION_MESSAGES", "0".to_owned()),
            ("LOG", "warn".to_owned()),
        ]
    }
}

/// Tables before their indexes: what comes last is least likely to be pushed out.
const PREWARM: &str = "
SELECT pg_prewarm(c.oid)
  FROM (SELECT t.oid, 1 AS turn FROM pg_class t
         WHERE t.relname = ANY (ARRAY['search_entries', 'messages', 'conversations', 'keys']) AND t.relkind = 'r'
         UNION ALL
        SELECT i.indexrelid, 2 FROM pg_index i
         WHERE i.indrelid = ANY (ARRAY['search_entries', 'messages', 'conversations', 'keys']::regclass[])
         ORDER BY turn) AS c";

async fn exists(connection: &mut PgConnection, database: &str) -> sqlx::Result<bool> {
    sqlx::query_scalar("SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)")
        .bind(database)
        .fetch_one(connection)
        .await
}
