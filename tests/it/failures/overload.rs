//! While the database stands still, new commands are refused at once instead of all timing out.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use colloquy::roles::Role;
use futures::future::join_all;
use serde_json::json;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
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

/// Time for which senders stand still, beyond that from which on a command counts as slow.
const STANDING_STILL: Duration = Duration::from_secs(3);

#[tokio::test]
async fn a_person_who_sends_many_commands_halfway_refuses_nobody_theirs() {
    let product = Product::start().await;
    let (hostile, other) = (Person::new(&product).await, Person::new(&product).await);
    let address = product.url.trim_start_matches("http://").to_owned();
    let mut halfway = Vec::new();
    for _ in 0..WAITING {
        let head = format!(
            "POST /v1/conversations/{}/commands HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {}\r\n\
             content-type: application/json\r\ncontent-length: 500\r\n\r\n{{",
            Uuid::now_v7(),
            hostile.token,
        );
        let mut connection = TcpStream::connect(&address).await.unwrap();
        connection.write_all(head.as_bytes()).await.unwrap();
        halfway.push(connection);
    }
    let began = Instant::now();
    while began.elapsed() < STANDING_STILL {
        let asked = json!({"type": "ask", "question_id": Uuid::now_v7(), "text": "Is there room?"});
        let answered = other.command(Uuid::now_v7(), &asked).await;
        assert_eq!(answered.status, 202, "{answered:?}");
    }
    drop(halfway);
    product.end().await;
}
