//! While the database stands still, new commands are refused at once instead of all timing out.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use colloquy::roles::Role;
use futures::future::join_all;
use serde_json::json;
use uuid::Uuid;

use crate::support::backbone::new_database;
use crate::support::link::Link;
use crate::support::person::Person;
use crate::support::product::{Product, configuration};
use crate::support::waiting::until;

/// Commands that wait at the same time.
const WAITING: usize = 24;

#[tokio::test]
async fn commands_are_refused_early_while_many_earlier_ones_wait_and_accepted_afterwards() {
    let url = new_database().await;
    let (login, rest) = url.split_once('@').unwrap();
    let (server, name) = rest.split_once('/').unwrap();
    let link = Link::to(server.parse::<SocketAddr>().unwrap()).await;
    let config = configuration(format!("{login}@{}/{name}", link.address()));
    let product = Product::on(config, &[Role::Api, Role::Sequencer, Role::Projector]).await;
    let person = Person::new(&product).await;
    person.ask(Uuid::now_v7(), "Is the database there?").await;
    link.stall();
    let asking = || async {
        let asked = json!({"type": "ask", "question_id": Uuid::now_v7(), "text": "And now?"});
        let began = Instant::now();
        (person.command(Uuid::now_v7(), &asked).await, began.elapsed())
    };
    let early = async {
        until("a command is refused early", async || {
            // One that is not refused waits for the database: given up, so that the next one is asked.
            let (refused, took) = tokio::time::timeout(Duration::from_secs(1), asking()).await.ok()?;
            (refused.body["type"] == "urn:colloquy:problem:overloaded").then_some((refused, took))
        })
        .await
    };
    let (_, (refused, took)) = tokio::join!(join_all((0..WAITING).map(|_| asking())), early);
    assert_eq!(refused.status, 503, "{refused:?}");
    assert!(refused.headers.contains_key("retry-after"), "{refused:?}");
    assert!(took < Duration::from_secs(2), "{took:?}");
    let metrics = product.metrics().await;
    assert!(!metrics.contains("colloquy_requests_shed_total{reason=\"slow\"} 0\n"), "{metrics}");
    link.mend();
    until("commands are accepted again", async || (asking().await.0.status == 202).then_some(())).await;
    product.shutdown.abort.cancel();
}
