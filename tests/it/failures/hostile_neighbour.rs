//! One hostile account does everything at once that costs the service much, while others work: nobody else
//! fails, and the hostile one is refused in words.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use colloquy::config::LimitsConfig;
use colloquy::roles::Role;
use futures::future::join_all;
use serde_json::json;
use uuid::Uuid;

use crate::support::backbone::new_database;
use crate::support::person::{Answered, Person};
use crate::support::product::{Product, configuration};
use crate::support::waiting::until;

const NEIGHBOURS: usize = 5;
const ROUNDS: usize = 5;
const REFUSED: [&str; 6] = ["exports", "requests", "search", "streams", "uploads", "waiting_reads"];

fn limits() -> LimitsConfig {
    LimitsConfig {
        limit_requests: 400,
        limit_search: 20,
        limit_streams: 5,
        limit_waiting_reads: 5,
        limit_exports: 1,
        limit_uploads: 2,
        ..LimitsConfig::default()
    }
}

/// The hostile account, with a history that is costly to search, to export and to branch.
struct Hostile {
    person: Person,
    conversation: Uuid,
    first_question: Uuid,
    /// The names of the limits that refused it.
    refused: Mutex<BTreeSet<String>>,
    done: AtomicBool,
}

impl Hostile {
    async fn new(product: &Product) -> Arc<Self> {
        let person = Person::new(product).await;
        let conversation = Uuid::now_v7();
        let text = format!("{} {}", words(), "b c d f ".repeat(3_000));
        let first_question = person.ask(conversation, &text).await;
        for _ in 0..60 {
            person.ask(conversation, &text).await;
        }
        let regenerate =
            json!({"type": "regenerate", "question_id": first_question, "answer_id": Uuid::now_v7()});
        assert_eq!(person.command(conversation, &regenerate).await.status, 202);
        Arc::new(Self {
            person,
            conversation,
            first_question,
            refused: Mutex::default(),
            done: AtomicBool::new(false),
        })
    }

    /// Repeats all attacks until it is told to stop.
    async fn attack(self: Arc<Self>) {
        let mut open = Vec::new();
        let person = &self.person;
        while !self.done.load(Ordering::Relaxed) {
            let paths = [
                format!("/v1/search?limit=100&q={}", words().replace(' ', "+")),
                "/v1/conversations?min_position=1000".to_owned(),
                format!(
                    "/v1/conversations/{}/messages?limit=100&branch={}",
                    self.conversation, self.first_question
                ),
            ];
            let reads = paths.iter().flat_map(|path| (0..8).map(move |_| person.get_once(path)));
            let uploads = (0..8).map(|_| person.upload("a.txt", vec![b'x'; 200_000], &[]));
            let unread = ["/v1/stream", "/v1/me/export"].map(|path| (0..4).map(move |_| person.begin(path)));
            let (reads, uploads, unread) =
                tokio::join!(join_all(reads), join_all(uploads), join_all(unread.into_iter().flatten()));
            reads.iter().chain(&uploads).for_each(|answered| self.note(answered));
            for (status, response) in unread {
                if status == 200 {
                    open.push(response);
                } else {
                    let body = response.json().await.unwrap();
                    self.note(&Answered { status, headers: [].into(), body });
                }
            }
        }
    }

    /// Notes the limit that refused a request, which the problem explains.
    fn note(&self, answered: &Answered) {
        assert!(answered.status < 500 || answered.status == 503, "{answered:?}");
        if answered.status == 429 {
            assert!(answered.body["detail"].as_str().unwrap().contains("Try again in"), "{answered:?}");
            let limit = answered.body["limit"].as_str().unwrap().to_owned();
            self.refused.lock().unwrap().insert(limit);
        }
    }
}

/// The most words that a search looks for.
fn words() -> String {
    (0..32).map(|number| format!("quixotically{number}")).collect::<Vec<_>>().join(" ")
}

/// Works as a person does. Every request succeeds; a read that has to wait for a slow machine is repeated.
async fn work(person: Person, url: String) {
    for round in 0..ROUNDS {
        let conversation = Uuid::now_v7();
        let text = format!("What is round {round}?");
        let question = person.ask(conversation, &text).await;
        for path in [
            format!("/v1/conversations/{conversation}/messages"),
            "/v1/conversations".to_owned(),
            format!("/v1/search?q=round+{round}"),
        ] {
            let shown = person.get(&path).await;
            assert_eq!(shown.status, 200, "{path}: {shown:?}");
            assert!(!shown.body["items"].as_array().unwrap().is_empty(), "{path} after {question}");
        }
        let alive = reqwest::get(format!("{url}/livez")).await.unwrap();
        assert_eq!(alive.status(), 200);
    }
}

#[tokio::test]
async fn a_hostile_account_is_refused_in_words_and_its_neighbours_do_not_fail() {
    let mut config = configuration(new_database().await);
    config.api.limits = limits();
    let product = Product::on(config, &[Role::Api, Role::Sequencer, Role::Projector]).await;
    let hostile = Hostile::new(&product).await;
    let attack = tokio::spawn(Arc::clone(&hostile).attack());
    let mut neighbours = Vec::new();
    for _ in 0..NEIGHBOURS {
        neighbours.push(tokio::spawn(work(Person::new(&product).await, product.url.clone())));
    }
    for neighbour in neighbours {
        neighbour.await.unwrap();
    }
    for limit in REFUSED {
        until(&format!("the limit {limit} refuses"), async || {
            hostile.refused.lock().unwrap().contains(limit).then_some(())
        })
        .await;
    }
    hostile.done.store(true, Ordering::Relaxed);
    attack.await.unwrap();
}
