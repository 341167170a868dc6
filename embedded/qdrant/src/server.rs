//! Puts the services behind one listener and lets them end in an orderly way.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use qdrant_client::qdrant::collections_server::CollectionsServer;
use qdrant_client::qdrant::points_server::PointsServer;
use qdrant_client::qdrant::qdrant_server::{Qdrant, QdrantServer};
use qdrant_client::qdrant::{HealthCheckReply, HealthCheckRequest};
use tokio::net::TcpListener;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tonic::{Request, Response, Status};

use crate::catalog::Catalog;
use crate::collections::CollectionsService;
use crate::points::PointsService;

/// The version of the Qdrant server whose behaviour this one has.
const VERSION: &str = "1.17.1";

/// How long answers under way may take once the process is told to stop. Closing the catalog waits for the engine.
const PATIENCE: Duration = Duration::from_secs(1);

/// How often segments are looked over; a collection in use is left alone.
const TIDY_INTERVAL: Duration = Duration::from_secs(5);

/// Serves the collections of `catalog` until `stop` completes; the catalog is left open.
pub(crate) async fn run(
    listener: TcpListener,
    catalog: Arc<Catalog>,
    stop: impl Future<Output = ()>,
) -> anyhow::Result<()> {
    let stopping = CancellationToken::new();
    let points = PointsServer::new(PointsService::new(Arc::clone(&catalog)));
    let collections = CollectionsServer::new(CollectionsService::new(Arc::clone(&catalog)));
    let serving = Server::builder()
        .add_service(QdrantServer::new(Health))
        .add_service(collections.max_decoding_message_size(usize::MAX))
        .add_service(points.max_decoding_message_size(usize::MAX))
        .serve_with_incoming_shutdown(
            TcpIncoming::from(listener).with_nodelay(Some(true)),
            stopping.clone().cancelled_owned(),
        );
    let mut serving = std::pin::pin!(serving);
    let tidying = tokio::spawn(tidy(catalog));
    let served = tokio::select! {
        served = &mut serving => served.context("failed to serve"),
        () = stop => {
            stopping.cancel();
            // A client that keeps its idle connection open would hold it up for ever.
            let _ = tokio::time::timeout(PATIENCE, serving).await;
            Ok(())
        }
    };
    tidying.abort();
    served
}

async fn tidy(catalog: Arc<Catalog>) {
    let mut ticks = interval(TIDY_INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        catalog.tidy().await;
    }
}

struct Health;

#[tonic::async_trait]
impl Qdrant for Health {
    async fn health_check(
        &self,
        _: Request<HealthCheckRequest>,
    ) -> Result<Response<HealthCheckReply>, Status> {
        Ok(Response::new(HealthCheckReply {
            title: "qdrant - vector search engine".to_owned(),
            version: VERSION.to_owned(),
            commit: None,
        }))
    }
}
