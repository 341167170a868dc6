//! The requests that are measured: written by copying prepared pieces.

use std::io::Write as _;
use std::sync::Arc;

use uuid::Uuid;

use crate::load::{NextRequest, Requests};
use crate::population::{self, Numbers};
use crate::settings::{LONG_TURNS, TURNS};

/// The seeded users' credentials, as the end of a request's head.
#[derive(Debug)]
pub(crate) struct Clients {
    credentials: Vec<Vec<u8>>,
    conversations: usize,
}

/// Requests of a load. Users are drawn from all users, so that consecutive requests rarely share one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The first 20 conversations, as a page asks for them.
    List,
    /// The same, past the cache of answers: Postgres is asked each time.
    ListAnew,
    /// A conversation's ten messages.
    Messages,
    /// The same, past the cache.
    MessagesAnew,
    /// The last page of a branch of 10,000 messages, past the cache.
    Branch,
    /// Two words that are somewhere in the user's history.
    Search,
    /// A question that begins a conversation: three events and a key.
    Begin,
    /// A conversation of five questions: one begins it, four go on.
    Ask,
    /// Expensive requests, all from one user.
    Hostile,
    /// Four reads (two lists, two conversations) to one question.
    Mixed,
}

impl Kind {
    /// Whether it changes nothing, so that it can go on until caches hold what they hold after some use.
    pub(crate) const fn only_reads(self) -> bool {
        matches!(
            self,
            Self::List | Self::ListAnew | Self::Messages | Self::MessagesAnew | Self::Branch | Self::Search
        )
    }
}

impl Clients {
    pub(crate) fn new(tokens: &[String], conversations: usize) -> Arc<Self> {
        let credentials =
            tokens.iter().map(|token| format!("authorization: Bearer {token}\r\n").into_bytes()).collect();
        Arc::new(Self { credentials, conversations })
    }

    /// The source of requests of each connection.
    pub(crate) fn requests(self: &Arc<Self>, kind: Kind) -> Requests {
        self.requests_from(kind, 0)
    }

    /// The same for a load beside others, whose connections have the numbers from `first`.
    pub(crate) fn requests_from(self: &Arc<Self>, kind: Kind, first: usize) -> Requests {
        let clients = Arc::clone(self);
        Box::new(move |connection| clients.connection(kind, first + connection))
    }

    fn connection(self: &Arc<Self>, kind: Kind, connection: usize) -> NextRequest {
        let clients = Arc::clone(self);
        let mut numbers = Numbers((connection as u64 + 1) << 32 | kind as u64);
        let mut going_on = (0, Uuid::nil(), 0);
        let mut turn = connection;
        Box::new(move |request| {
            turn += 1;
            let kind = match kind {
                Kind::Mixed => [Kind::List, Kind::Messages, Kind::List, Kind::Messages, Kind::Ask][turn % 5],
                kind => kind,
            };
            if kind == Kind::Hostile {
                clients.hostile(request, turn);
            } else if kind == Kind::Ask {
                if going_on.2 == 0 {
                    going_on = (numbers.below(clients.credentials.len()), Uuid::now_v7(), TURNS);
                }
                going_on.2 -= 1;
                clients.ask(request, going_on.0, going_on.1, &mut numbers);
            } else {
                clients.write(kind, request, &mut numbers);
            }
        })
    }

    fn write(&self, kind: Kind, request: &mut Vec<u8>, numbers: &mut Numbers) {
        // The number after the last is that of the long conversation.
        let conversation =
            if kind == Kind::Branch { self.conversations } else { numbers.below(self.conversations) };
        let user = conversation % self.credentials.len();
        match kind {
            Kind::List => request.extend_from_slice(b"GET /v1/conversations HTTP/1.1\r\n"),
            Kind::ListAnew => request.extend_from_slice(b"GET /v1/conversations?min_position=1 HTTP/1.1\r\n"),
            Kind::Messages | Kind::MessagesAnew => {
                let past = if kind == Kind::Messages { "" } else { "?min_position=1" };
                let id = population::conversation(conversation);
                // Writing to memory cannot fail.
                let _ = write!(request, "GET /v1/conversations/{id}/messages{past} HTTP/1.1\r\n");
            }
            Kind::Branch => {
                let (id, last) = (population::conversation(conversation), LONG_TURNS - 1);
                let last = population::answer(conversation, last);
                let path = format!("/v1/conversations/{id}/messages?branch={last}&min_position=1");
                let _ = write!(request, "GET {path} HTTP/1.1\r\n");
            }
            Kind::Search => {
                let [one, other] = population::searched_words(conversation);
                let _ = write!(request, "GET /v1/search?q={one}+{other} HTTP/1.1\r\n");
            }
            Kind::Begin | Kind::Ask | Kind::Mixed | Kind::Hostile => {
                return self.ask(request, user, Uuid::now_v7(), numbers);
            }
        }
        self.end_head(request, user);
    }

    fn end_head(&self, request: &mut Vec<u8>, user: usize) {
        request.extend_from_slice(b"host: bench\r\n");
        request.extend_from_slice(self.credentials.get(user).map_or(b"", Vec::as_slice));
        request.extend_from_slice(b"\r\n");
    }

    /// In turn: a search for many words, a read that waits for a version that never comes, a
    /// branch, a question.
    fn hostile(&self, request: &mut Vec<u8>, turn: usize) {
        let own = population::conversation(0);
        let _ = match turn % 4 {
            0 => {
                let words = (0..16).map(|number| population::searched_words(number).join("+"));
                let words = words.collect::<Vec<_>>().join("+");
                write!(request, "GET /v1/search?limit=100&q={words} HTTP/1.1\r\n")
            }
            1 => write!(request, "GET /v1/conversations/{own}?min_version=1000000 HTTP/1.1\r\n"),
            2 => write!(request, "GET /v1/conversations/{own}/messages?limit=100&branch={own} HTTP/1.1\r\n"),
            _ => return self.say(request, 0, Uuid::now_v7(), &"b c d f ".repeat(3_000)),
        };
        self.end_head(request, 0);
    }

    /// A stream or an export of the hostile user, for a connection that nobody reads.
    pub(crate) fn unread(&self, request: &mut Vec<u8>, number: usize) {
        if number.is_multiple_of(2) {
            return self.stream(request, 0);
        }
        request.extend_from_slice(b"GET /v1/me/export HTTP/1.1\r\n");
        self.end_head(request, 0);
    }

    /// A user's stream.
    pub(crate) fn stream(&self, request: &mut Vec<u8>, user: usize) {
        request.extend_from_slice(b"GET /v1/stream HTTP/1.1\r\n");
        self.end_head(request, user);
    }

    /// A user's conversation, once it shows this version.
    pub(crate) fn messages(&self, request: &mut Vec<u8>, user: usize, conversation: Uuid, version: u64) {
        let _ = write!(
            request,
            "GET /v1/conversations/{conversation}/messages?min_version={version} HTTP/1.1\r\n"
        );
        self.end_head(request, user);
    }

    /// A user's question that begins a conversation.
    pub(crate) fn begin(&self, request: &mut Vec<u8>, user: usize, conversation: Uuid) {
        self.ask(request, user, conversation, &mut Numbers(conversation.as_u64_pair().1));
    }

    fn ask(&self, request: &mut Vec<u8>, user: usize, conversation: Uuid, numbers: &mut Numbers) {
        self.say(request, user, conversation, QUESTIONS[numbers.below(QUESTIONS.len())]);
    }

    /// A user's question in these words, which need no escapes in JSON.
    pub(crate) fn say(&self, request: &mut Vec<u8>, user: usize, conversation: Uuid, text: &str) {
        let question = Uuid::now_v7();
        let body_length = BODY + text.len();
        let _ = write!(
            request,
            "POST /v1/conversations/{conversation}/commands HTTP/1.1\r\nhost: bench\r\n\
             content-type: application/json\r\ncontent-length: {body_length}\r\n"
        );
        request.extend_from_slice(self.credentials.get(user).map_or(b"", Vec::as_slice));
        let _ =
            write!(request, "\r\n{{\"type\":\"ask\",\"question_id\":\"{question}\",\"text\":\"{text}\"}}");
    }
}

/// The bytes of a question's body beside its text.
const BODY: usize = r#"{"type":"ask","question_id":"00000000-0000-0000-0000-000000000000","text":""}"#.len();

const QUESTIONS: [&str; 4] = [
    "What does the contract say about notice periods for fixed-term employees?",
    "How do I rotate the signing keys without ending everybody's session?",
    "Which of the three proposals is the cheapest over five years, and why?",
    "Where is it written down who may approve travel to a conference abroad?",
];
