//! A worker over a backbone, with something to know, and what it says while it answers.

use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};

use aggregates::conversation::{Answer, ConversationEvent, FailureReason};
use aggregates::{AggregateType, AnswerId, ConversationId, Event, UserId};
use colloquy::config::{Config, Continuation, KnowledgeConfig, ModelsFile, OfferedModel, WorkerConfig};
use colloquy::knowledge::ingest;
use colloquy::language_models::LanguageModels;
use colloquy::roles::answering as worker;
use futures::StreamExt as _;
use nats::{LiveKind, LiveMessage, Subjects};
use rag::generate::ChatConfig;
use sealing::{AssociatedData, Subject};
use secrecy::ExposeSecret as _;
use serde_json::Value;
use tokio::task::JoinHandle;
use uuid::Uuid;

use super::backbone::{Backbone, new_database};
use super::model_server::ModelServer;
use super::person::Person;
use super::product::{Product, configuration, knowledge_config, worker_config};
use super::waiting::until;
use super::{files_url, service};

/// The only document of the workers in these tests.
pub(crate) const KNOWLEDGE: &str = "# The marimba of Zanthor\n\n\
    The great marimba of Zanthor has sixty-one rosewood bars. It was built in 1887 by the instrument maker Otakar Brill.\n";
/// Answer of the scripted model.
pub(crate) const WRITTEN: &str = "It has sixty-one bars of rosewood [1], as far as anybody knows.";

/// A question about it.
pub(crate) const QUESTION: &str = "How many bars does the great marimba of Zanthor have?";

/// A backbone whose subjects begin with a prefix that other processes can be told.
pub(crate) async fn backbone_named() -> (Backbone, String) {
    let prefix = format!("t{}", Uuid::now_v7().simple());
    let backbone = Backbone { subjects: Subjects::new(&prefix), ..Backbone::new().await };
    (backbone, prefix)
}

/// Indexes the document.
pub(crate) async fn teach(backbone: &Backbone) {
    let folder = tempfile::tempdir().unwrap();
    let knowledge = folder.path().join("knowledge");
    std::fs::create_dir(&knowledge).unwrap();
    std::fs::write(knowledge.join("marimba.md"), KNOWLEDGE).unwrap();
    let (store, wake) = (backbone.store.clone(), backbone.wake.clone());
    let report = ingest::run(&knowledge_config(), store, wake, &[knowledge]).await.unwrap();
    assert_eq!((report.indexed, report.passages), (1, 1));
}

/// Starts a worker in this process, which answers by a model, or by quotations.
pub(crate) fn work(backbone: &Backbone, model: Option<&ModelServer>) -> JoinHandle<()> {
    work_on(backbone, model, knowledge_config())
}

/// Starts a worker on another index.
pub(crate) fn work_on(
    backbone: &Backbone,
    model: Option<&ModelServer>,
    knowledge: KnowledgeConfig,
) -> JoinHandle<()> {
    work_as(backbone, worker_config(model), knowledge)
}

/// Starts a worker whose model continues unfinished answers.
pub(crate) fn work_continuing(backbone: &Backbone, model: &ModelServer) -> JoinHandle<()> {
    let mut config = worker_config(Some(model));
    config.model.model_continuation = Continuation::Message;
    work_as(backbone, config, knowledge_config())
}

fn work_as(backbone: &Backbone, config: WorkerConfig, knowledge: KnowledgeConfig) -> JoinHandle<()> {
    let (store, nats) = (backbone.store.clone(), backbone.nats.clone());
    let (subjects, wake, cancel) =
        (backbone.subjects.clone(), backbone.wake.clone(), backbone.cancel.clone());
    let connections = worker::Connections { store, nats, subjects, wake };
    let models = LanguageModels::new(config.model.offered()).unwrap();
    tokio::spawn(async move {
        worker::start(&config, &knowledge, models, connections, cancel).await.unwrap();
    })
}

/// A worker in a process of its own, which dies with this value at the latest.
pub(crate) struct WorkerProcess(Child);

impl WorkerProcess {
    pub(crate) fn start(backbone: &Backbone, prefix: &str, model: &ModelServer) -> Self {
        Self::start_with(backbone, prefix, model, "off")
    }

    /// A worker whose model continues answers in this way.
    pub(crate) fn start_with(
        backbone: &Backbone,
        prefix: &str,
        model: &ModelServer,
        continuation: &str,
    ) -> Self {
        let mut command = Self::on(&backbone.database_url, prefix);
        command.env("MODEL_URL", &model.url).env("MODEL_NAME", "scripted");
        command.env("MODEL_CONTINUATION", continuation);
        Self(command.spawn().unwrap())
    }

    /// A worker of a product, without a language model.
    pub(crate) fn of(config: &Config) -> Self {
        let mut command = Self::on(config.app.database_url.expose_secret(), &config.app.nats_prefix);
        command
            .env("FILES_URL", &config.knowledge.files.files_url)
            .env("AUTH_DATABASE_URL", config.auth_database_url.expose_secret());
        Self(command.spawn().unwrap())
    }

    fn on(database_url: &str, prefix: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_colloquy"));
        command
            .args(["serve", "--role", "worker", "--no-migrate"])
            .env("DATABASE_URL", database_url)
            .env("NATS_URL", service("COLLOQUY_TEST_NATS_URL"))
            .env("NATS_PREFIX", prefix)
            .env("MASTER_KEY", "2a".repeat(32))
            .env("QDRANT_URL", service("COLLOQUY_TEST_QDRANT_URL"))
            .env("FILES_URL", files_url())
            .stdin(Stdio::null());
        command
    }

    /// Ends it as a crash of its machine would.
    pub(crate) fn kill(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

impl Drop for WorkerProcess {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The events that ended an answer, opened.
pub(crate) async fn endings(
    backbone: &Backbone,
    conversation: ConversationId,
    answer: AnswerId,
) -> Vec<ConversationEvent> {
    let store = &backbone.store;
    let id = conversation.uuid();
    let mut events = store.aggregate_events(AggregateType::Conversation, id).await.unwrap();
    store.decrypt_events(&mut events).await.unwrap();
    let conversation_events = events.into_iter().filter_map(|recorded| match recorded.event {
        Event::Conversation(event) => Some(event),
        _ => None,
    });
    conversation_events
        .filter(|event| match event {
            ConversationEvent::AnswerCompleted { answer_id, .. }
            | ConversationEvent::AnswerStopped { answer_id, .. }
            | ConversationEvent::AnswerFailed { answer_id, .. } => *answer_id == answer,
            _ => false,
        })
        .collect()
}

/// Waits for the end of an answer, which must be the only one.
pub(crate) async fn ending(
    backbone: &Backbone,
    conversation: ConversationId,
    answer: AnswerId,
) -> ConversationEvent {
    let endings = until("the answer has ended", async || {
        let endings = endings(backbone, conversation, answer).await;
        (!endings.is_empty()).then_some(endings)
    })
    .await;
    assert_eq!(endings.len(), 1, "{endings:?}");
    endings.into_iter().next().unwrap()
}

/// The live messages about an answer as they come, opened.
#[derive(Clone, Default)]
pub(crate) struct Heard(Arc<Mutex<Vec<Message>>>);

/// Attempt, kind and opened text of a live message.
type Message = (u32, LiveKind, Vec<u8>);

impl Heard {
    /// Listens from now on.
    pub(crate) async fn listen(
        backbone: &Backbone,
        owner: UserId,
        conversation_id: ConversationId,
        answer_id: AnswerId,
    ) -> Self {
        let heard = Self::default();
        let subject = backbone.subjects.live(owner, conversation_id, answer_id);
        let mut messages = backbone.nats.subscribe(subject).await.unwrap();
        backbone.nats.flush().await.unwrap();
        let content = Subject::Conversation(conversation_id.uuid());
        let key = backbone.store.keyring().content(owner, content).await.unwrap().unwrap();
        let hearing = heard.clone();
        tokio::spawn(async move {
            while let Some(message) = messages.next().await {
                let live = LiveMessage::from_bytes(&message.payload).unwrap();
                let (attempt, place) = (live.attempt, live.label());
                let aad = AssociatedData::Live { conversation_id, answer_id, attempt, message: &place };
                let text = match live.sealed.as_slice() {
                    [] => vec![],
                    sealed => key.open(&aad, sealed).unwrap(),
                };
                hearing.0.lock().unwrap_or_else(PoisonError::into_inner).push((attempt, live.kind, text));
            }
        });
        heard
    }

    /// Events received so far.
    pub(crate) fn all(&self) -> Vec<(u32, LiveKind, Vec<u8>)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The text of an attempt, put together as a client does it.
    pub(crate) fn text(&self, attempt: u32) -> String {
        let mut text = Vec::new();
        for (number, kind, piece) in self.all() {
            if let (LiveKind::Delta { offset }, true) = (kind, number == attempt) {
                let offset = usize::try_from(offset).unwrap();
                assert!(offset <= text.len(), "a delta leaves a hole");
                if offset + piece.len() > text.len() {
                    text.truncate(offset);
                    text.extend_from_slice(&piece);
                }
            }
        }
        String::from_utf8(text).unwrap()
    }
}

/// A text, its citations and its attempt.
pub(crate) fn completed(event: ConversationEvent) -> (Answer, u32) {
    match event {
        ConversationEvent::AnswerCompleted { private, attempt, .. } => {
            (private.open().unwrap().clone(), attempt)
        }
        other => panic!("not completed: {other:?}"),
    }
}

/// Why there is no answer, and after how many attempts.
pub(crate) fn failed(event: &ConversationEvent) -> (FailureReason, u32) {
    match event {
        ConversationEvent::AnswerFailed { reason, attempt, .. } => (*reason, *attempt),
        other => panic!("not failed: {other:?}"),
    }
}

/// A backbone at work, with something to know.
pub(crate) async fn at_work() -> Backbone {
    let backbone = Backbone::new().await;
    backbone.sequence();
    teach(&backbone).await;
    backbone
}

/// A person with a document about the marimba.
pub(crate) async fn owner_of_knowledge(product: &Product) -> Person {
    let person = Person::new(product).await;
    let added = person.upload("marimba.md", KNOWLEDGE.as_bytes().to_vec(), &[]).await;
    let id = added.body["document_id"].as_str().unwrap().to_owned();
    person.until_shown(&format!("/v1/documents/{id}"), |row| row["status"] == "indexed").await;
    person
}

/// A model that people choose by this name, with the price of a million tokens of prompts; of answers it is
/// twice as high.
pub(crate) fn offered(name: &str, server: &ModelServer, prompt_price: f64) -> OfferedModel {
    let chat = ChatConfig { name: name.to_owned(), ..ChatConfig::new(&server.url, "at-the-server") };
    OfferedModel { chat, prompt_price, completion_price: 2.0 * prompt_price }
}

/// A configuration that offers models, with a database of its own.
pub(crate) async fn offering(models: Vec<OfferedModel>) -> Config {
    let mut config = configuration(new_database().await);
    config.worker.model.models = Some(ModelsFile::new(models));
    config
}

/// Asks in a new conversation; returns the completed answer as the messages show it.
pub(crate) async fn answer_to(person: &Person, question: &str) -> Value {
    let conversation = Uuid::now_v7();
    person.ask(conversation, question).await;
    let path = format!("/v1/conversations/{conversation}/messages");
    let done = |page: &Value| page["items"][1]["status"] == "completed";
    person.until_shown(&path, done).await["items"][1].clone()
}
