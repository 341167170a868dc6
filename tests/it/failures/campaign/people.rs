//! The people of a campaign, each with two devices and a stream that follows everything.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::actor::{Actor, Registry};
use super::client::Client;
use super::history::{Fact, History, Outcome, Who};
use super::stream::Follower;
use super::system::System;

const PEOPLE: Who = 5;
const DEVICES: u64 = 2;
const RETRY_AFTER: Duration = Duration::from_millis(500);

/// Everybody, at work.
pub(super) struct People {
    pub(super) clients: Vec<Arc<Client>>,
    /// The receipt of the erasure, once it was accepted and the answer was not lost.
    pub(super) receipt: Option<Uuid>,
    erasing: Option<JoinHandle<Option<Uuid>>>,
    actors: Vec<JoinHandle<()>>,
    followers: Vec<JoinHandle<()>>,
    end: CancellationToken,
    end_streams: CancellationToken,
}

impl People {
    /// Signs everybody up and sets them to work.
    pub(super) async fn sign_up(system: &System, history: &Arc<History>, seed: u64) -> Self {
        let (apis, auth) = (system.apis(), system.auth.url());
        let mut people = Self {
            clients: vec![],
            receipt: None,
            erasing: None,
            actors: vec![],
            followers: vec![],
            end: CancellationToken::new(),
            end_streams: CancellationToken::new(),
        };
        for who in 0..PEOPLE {
            let email = format!("person-{who}-{}@example.org", Uuid::now_v7().simple());
            let client = Client::sign_up(who, Arc::clone(history), apis.clone(), &auth, &email).await;
            people.clients.push(Arc::new(client));
        }
        let registry = Registry::default();
        for client in people.clients.clone() {
            people.set_to_work(&client, &registry, seed);
        }
        people
    }

    fn set_to_work(&mut self, client: &Arc<Client>, registry: &Registry, seed: u64) {
        let own_seed = seed.wrapping_mul(1_000).wrapping_add(client.who as u64 * 10);
        let follower = Follower::of_everything(Arc::clone(client), fastrand::Rng::with_seed(own_seed));
        self.followers.push(tokio::spawn(follower.run(self.end_streams.clone())));
        let words = Arc::new(AtomicU64::new(1));
        for device in 1..=DEVICES {
            let rng = fastrand::Rng::with_seed(own_seed + device);
            let actor = Actor::new(Arc::clone(client), rng, Arc::clone(registry), Arc::clone(&words));
            self.actors.push(tokio::spawn(actor.run(self.end.clone())));
        }
    }

    /// The person who asks to be erased.
    pub(super) fn erased(&self) -> Who {
        self.clients.len() - 1
    }

    /// Has one of the people ask to be erased, beside whatever happens. Later calls do nothing.
    pub(super) fn begin_erasure(&mut self) {
        if self.erasing.is_none() && self.receipt.is_none() {
            let client = Arc::clone(&self.clients[self.erased()]);
            self.erasing = Some(tokio::spawn(ask_to_be_erased(client)));
        }
    }

    /// Waits until the erasure was accepted.
    pub(super) async fn await_erasure(&mut self) {
        self.begin_erasure();
        if let Some(erasing) = self.erasing.take() {
            self.receipt = erasing.await.unwrap();
        }
    }

    /// Ends the devices; each finishes the operation it is at.
    pub(super) async fn rest(&mut self) {
        self.end.cancel();
        for actor in self.actors.drain(..) {
            actor.await.unwrap();
        }
    }

    /// Ends the streams.
    pub(super) async fn hang_up(&mut self) {
        self.end_streams.cancel();
        for follower in self.followers.drain(..) {
            follower.await.unwrap();
        }
    }
}

/// Asks until the request was accepted. Returns the receipt, unless the answer with it was lost.
async fn ask_to_be_erased(client: Arc<Client>) -> Option<Uuid> {
    let receipt = loop {
        let request = client.http.delete(format!("{}/v1/me", client.api(fastrand::usize(..))));
        match client.outcome(request).await {
            Outcome::Accepted { aggregate, .. } => break Some(aggregate),
            // An earlier attempt, whose answer was lost, was carried out.
            Outcome::Refused { status: 403, .. } => break None,
            _ => tokio::time::sleep(RETRY_AFTER).await,
        }
    };
    let text = receipt.map(|id| id.to_string());
    client.history.record(Fact::Leaves { who: client.who, receipt: text });
    receipt
}
