//! The operator's view of the process.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Context as _;
use chrono::Utc;
use measures::catalogue::{BUILD, PROCESS_ROLE, START_TIME};
use uuid::Uuid;

use super::{App, pools};
use crate::config::{Config, MetricsConfig};
use crate::health::processes::{Announcement, Presence};
use crate::health::{Addresses, Dependencies, Health, Sampler};
use crate::knowledge::files::Files;
use crate::knowledge::models;
use crate::runtime::stages::timestamp;
use crate::runtime::supervisor::{Stage, Supervisor};

/// Time limit of requests by HTTP to dependencies.
const HTTP_LIMIT: Duration = Duration::from_secs(2);
/// Commit of the sources, which `make dist` gives to the compiler.
const COMMIT: Option<&str> = option_env!("COLLOQUY_COMMIT");

impl App {
    /// The health of this process, and the begin of its metrics. The operator's port is at `admin`.
    pub fn health(&self, config: &Config, admin: SocketAddr) -> anyhow::Result<Health> {
        if config.metrics == MetricsConfig::On {
            measures::install()?;
        }
        for role in &self.roles {
            PROCESS_ROLE.set(&[role.name()], 1.0);
        }
        BUILD.set(&[env!("CARGO_PKG_VERSION"), COMMIT.unwrap_or("unknown")], 1.0);
        START_TIME.set(&[], timestamp());
        let client = reqwest::Client::builder().timeout(HTTP_LIMIT).build()?;
        let model = &config.worker.model;
        let dependencies = Dependencies {
            store: self.pool("health", pools::HEALTH)?,
            nats: self.nats.clone(),
            nats_problems: self.nats_problems.clone(),
            subjects: self.subjects.clone(),
            index: models::collections(&config.knowledge.qdrant)?.active_index(),
            files: Files::new(&config.knowledge.files).context("FILES_URL cannot be used")?,
            addresses: Addresses {
                accounts: config.api.auth_url.clone(),
                model: model.model_url.clone().map(|url| (url, model.model_api_key.clone())),
            },
            client,
            believed: tokio::sync::Mutex::default(),
        };
        let presence = Presence {
            nats: self.nats.clone(),
            subjects: self.subjects.clone(),
            process: self.announcement(admin),
        };
        Ok(Health::new(self.roles.clone(), self.stages.clone(), self.pools.clone(), dependencies, presence))
    }

    fn announcement(&self, admin: SocketAddr) -> Announcement {
        let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
        Announcement {
            id: Uuid::now_v7(),
            roles: self.roles.iter().map(|role| role.name().to_owned()).collect(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            commit: COMMIT.map(str::to_owned),
            host,
            pid: std::process::id(),
            admin: admin.to_string(),
            started_at: Utc::now(),
            status: None,
            reasons: Vec::new(),
        }
    }

    /// Starts the samples of the installation and the announcements of the process.
    pub(super) fn spawn_health(&self, supervisor: &mut Supervisor, health: &Health) -> anyhow::Result<()> {
        let sampler = Sampler {
            store: self.pool("sampler", pools::SAMPLER)?,
            nats: self.nats.clone(),
            subjects: self.subjects.clone(),
        };
        supervisor.spawn_loop("sampler", Stage::Background, health.clone().sample_with(sampler));
        let announcing = health.clone();
        supervisor.spawn_loop("presence", Stage::Background, async move { announcing.announce().await });
        Ok(())
    }
}
