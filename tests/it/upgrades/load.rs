//! People who ask and read through a rotation of processes, as a load balancer offers them.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::support::answering::QUESTION;
use crate::support::person::Person;
use crate::support::waiting::until;

/// Requests that have to succeed before the next step of an upgrade.
const REQUESTS: usize = 60;

/// The addresses that requests go to, with the number of open requests.
#[derive(Clone, Default)]
pub(super) struct Rotation {
    addresses: Arc<Mutex<BTreeMap<String, Address>>>,
    turn: Arc<AtomicUsize>,
}

#[derive(Default)]
struct Address {
    is_offered: bool,
    open: usize,
}

impl Rotation {
    fn addresses(&self) -> MutexGuard<'_, BTreeMap<String, Address>> {
        self.addresses.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn add(&self, url: &str) {
        self.addresses().entry(url.to_owned()).or_default().is_offered = true;
    }

    /// Offers an address no longer, and waits for its open requests.
    pub(super) async fn remove(&self, url: &str) {
        self.addresses().entry(url.to_owned()).or_default().is_offered = false;
        let is_idle = || self.addresses().get(url).is_none_or(|address| address.open == 0);
        until("the requests to the process have ended", async || is_idle().then_some(())).await;
    }

    fn begin(&self) -> String {
        let mut addresses = self.addresses();
        let mut offered: Vec<_> = addresses.iter_mut().filter(|(_, address)| address.is_offered).collect();
        let turn = self.turn.fetch_add(1, Ordering::Relaxed) % offered.len();
        let (url, address) = &mut offered[turn];
        address.open += 1;
        url.clone()
    }

    fn end(&self, url: &str) {
        if let Some(address) = self.addresses().get_mut(url) {
            address.open -= 1;
        }
    }
}

/// Commands of the people.
#[derive(Default)]
struct Done {
    asked: Vec<(usize, Uuid)>,
    succeeded: usize,
    failed: Vec<String>,
}

/// People at work, until they are stopped.
pub(super) struct Load {
    pub(super) people: Vec<Person>,
    done: Arc<Mutex<Done>>,
    stop: CancellationToken,
    tasks: JoinSet<()>,
}

impl Load {
    pub(super) fn start(people: Vec<Person>, rotation: &Rotation) -> Self {
        let (done, stop, mut tasks) =
            (Arc::<Mutex<Done>>::default(), CancellationToken::new(), JoinSet::new());
        for (number, person) in people.iter().cloned().enumerate() {
            let (http, rotation, done) = (reqwest::Client::new(), rotation.clone(), Arc::clone(&done));
            let client = Client { number, person, http, rotation, done };
            tasks.spawn(client.run(stop.clone()));
        }
        Self { people, done, stop, tasks }
    }

    /// Waits until more requests have succeeded.
    pub(super) async fn goes_on(&self) {
        let succeeded = || self.done.lock().unwrap_or_else(PoisonError::into_inner).succeeded;
        let before = succeeded();
        until("requests succeed", async || (succeeded() >= before + REQUESTS).then_some(())).await;
    }

    /// Ends the load. Returns the people's questions as number of the person and conversation,
    /// and the failures.
    pub(super) async fn stop(mut self) -> (Vec<Person>, Vec<(usize, Uuid)>, Vec<String>) {
        self.stop.cancel();
        while let Some(ended) = self.tasks.join_next().await {
            ended.unwrap();
        }
        let mut done = self.done.lock().unwrap_or_else(PoisonError::into_inner);
        println!("{} requests succeeded, {} failed", done.succeeded, done.failed.len());
        (self.people, std::mem::take(&mut done.asked), std::mem::take(&mut done.failed))
    }
}

struct Client {
    number: usize,
    person: Person,
    http: reqwest::Client,
    rotation: Rotation,
    done: Arc<Mutex<Done>>,
}

impl Client {
    /// Asks in a new conversation, and reads it and the list at once, wherever the rotation leads.
    async fn run(self, stop: CancellationToken) {
        while !stop.is_cancelled() {
            let conversation = Uuid::now_v7();
            let ask = json!({"type": "ask", "question_id": Uuid::now_v7(), "text": QUESTION});
            if self
                .request("POST", &format!("/v1/conversations/{conversation}/commands"), Some(&ask), 202, "")
                .await
            {
                self.done().asked.push((self.number, conversation));
                let messages = format!("/v1/conversations/{conversation}/messages");
                self.request("GET", &messages, None, 200, QUESTION).await;
                self.request("GET", "/v1/conversations", None, 200, &conversation.to_string()).await;
            }
        }
    }

    fn done(&self) -> MutexGuard<'_, Done> {
        self.done.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the answer is the expected one.
    async fn request(
        &self,
        method: &str,
        path: &str,
        body: Option<&Value>,
        status: u16,
        shows: &str,
    ) -> bool {
        let url = self.rotation.begin();
        let request = match body {
            Some(body) => self.http.post(format!("{url}{path}")).json(body),
            None => self.http.get(format!("{url}{path}")),
        };
        let answered = async {
            let response = request.bearer_auth(&self.person.token).send().await?;
            Ok::<_, reqwest::Error>((response.status().as_u16(), response.text().await?))
        };
        let answered = answered.await;
        self.rotation.end(&url);
        let mut done = self.done();
        match answered {
            Ok((answered, text)) if answered == status && text.contains(shows) => {
                done.succeeded += 1;
                true
            }
            answered => {
                done.failed.push(format!("{method} {url}{path}: {answered:?}"));
                false
            }
        }
    }
}
