//! NATS and Qdrant as others run them: with logins, TLS, limits and permissions, and as a cluster.

mod nats_cluster;
mod nats_limits;
mod nats_logins;
mod nats_permissions;
mod qdrant_access;
mod qdrant_collections;

use std::time::Duration;

use async_nats::jetstream;
use colloquy::roles::nats_watch;
use nats::{ConnectionConfig, Problems, Subjects};
use tokio_util::task::AbortOnDropHandle;
use uuid::Uuid;

use crate::support::waiting::until;

/// Subjects of a test's own.
fn subjects() -> Subjects {
    Subjects::new(&format!("t{}", Uuid::now_v7().simple()))
}

/// Connects as a process of the service does, and waits until all streams are there or a problem is reported.
async fn outcome(connection: &ConnectionConfig, subjects: &Subjects) -> Result<(), String> {
    let problems = Problems::default();
    let client = nats::connect(connection, "test", &problems).await.unwrap();
    let watching = nats_watch::run(client.clone(), subjects.clone(), problems.clone());
    let _watching = AbortOnDropHandle::new(tokio::spawn(watching));
    let jetstream = jetstream::new(client);
    // The stream of events is created last.
    let look = Duration::from_millis(250);
    until("the streams are there, or a problem is reported", async || {
        if let Some(problem) = problems.first() {
            return Some(Err(problem));
        }
        let looking = jetstream.get_stream(subjects.events_stream());
        tokio::time::timeout(look, looking).await.ok()?.ok().map(|_| Ok(()))
    })
    .await
}
