//! Limits per person. A refusal is a problem with status 429, the name of the limit and `Retry-After`.
//!
//! There are three kinds, each with one method:
//!
//! | the limit is on | field of [`Limits`] | how to obey it |
//! |---|---|---|
//! | how often | [`RateLimit`] | `limits.commands.count(&caller.user)?` before the work |
//! | how many at the same time | [`Permits`] | `let permit = limits.streams.take(caller.user)?;`, and drop the permit when the work ends |
//! | how much is stored | [`Quantity`] | `limits.documents.check(stored, 1)?` with what the store counts before the work |
//!
//! [`CommandsInFlight`] is the load of all persons together.
//!
//! [`Budgets`] limit what language models spend on a day.
//!
//! [`PendingAnswers`] is a quantity that is counted seldom, because each question would pay for the count.
//!
//! A permit belongs to the work, not to the handler: move it into the task or the body that outlives the
//! handler. [`Limits`] is a part of the router's state: `State(limits): State<Arc<Limits>>`.
//!
//! Every authenticated request counts as one of `requests`, where the caller is extracted.
//!
//! Searches of one person run one after the other ([`Turns`]).
//!
//! Refusals wait a second where one token or address has many ([`Refusals`]).
//!
//! To add a limit: a variant of [`Limit`], a setting in `config/limits.rs`, a field of [`Limits`], and the
//! operations that it can refuse in [`Limit::of_operation`], from where the OpenAPI document names it.

mod budgets;
mod commands_in_flight;
mod pending_answers;
mod permits;
mod quantity;
mod rate;
mod refusals;
mod turns;

use std::net::IpAddr;
use std::num::NonZeroU32;

use aggregates::UserId;
use serde::Serialize;
use utoipa::ToSchema;

use crate::config::{ConnectionLimits, LimitsConfig};
pub(in crate::api) use budgets::{Budgets, Spent};
pub(in crate::api) use commands_in_flight::CommandsInFlight;
pub(in crate::api) use pending_answers::PendingAnswers;
pub(in crate::api) use permits::{Permit, Permits};
pub(in crate::api) use quantity::Quantity;
pub(in crate::api) use rate::RateLimit;
pub(in crate::api) use refusals::Refusals;
pub(in crate::api) use turns::Turns;

/// Name of a limit. Each limit applies to each person alone; `invalid_tokens` and `anonymous_requests` to
/// each address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, ToSchema)]
#[schema(as = LimitName)]
#[serde(rename_all = "snake_case")]
pub(in crate::api) enum Limit {
    /// Requests in a minute.
    Requests,
    /// Commands in a minute.
    Commands,
    /// Searches in a minute.
    Search,
    /// Open streams.
    Streams,
    /// Reads that wait for the read models.
    WaitingReads,
    /// Exports of personal data at the same time.
    Exports,
    /// Uploads at the same time.
    Uploads,
    /// Pictures of pages that are drawn at the same time.
    PagePictures,
    /// Suggestions of questions at the same time.
    Suggestions,
    /// Answers that have not ended.
    PendingAnswers,
    /// Tokens of language models on a day.
    TokensPerDay,
    /// Money for language models on a day.
    CostPerDay,
    /// Documents that wait for the index.
    QueuedDocuments,
    /// Documents.
    Documents,
    /// Bytes of all documents together.
    DocumentBytes,
    /// Invalid session tokens in a minute from one address.
    InvalidTokens,
    /// Requests without a valid token from one address, through a proxy, at the same time.
    AnonymousRequests,
}

/// Refusals in a second that are answered at once: by a limit, for each token, and without a valid token, for
/// each address, which many people may share.
const REFUSED_AT_ONCE: NonZeroU32 = NonZeroU32::MIN.saturating_add(19);
const UNAUTHENTICATED_AT_ONCE: NonZeroU32 = NonZeroU32::MIN.saturating_add(99);

/// Limits by address, which can refuse every operation.
pub(in crate::api) const BY_ADDRESS: &[Limit] = &[Limit::InvalidTokens, Limit::AnonymousRequests];
/// Limits of the operations that no other limit refuses.
const REQUESTS: &[Limit] = &[Limit::Requests];

impl Limit {
    /// The name on the wire.
    pub(in crate::api) const fn name(self) -> &'static str {
        match self {
            Self::Requests => "requests",
            Self::Commands => "commands",
            Self::Search => "search",
            Self::Streams => "streams",
            Self::WaitingReads => "waiting_reads",
            Self::Exports => "exports",
            Self::Uploads => "uploads",
            Self::PagePictures => "page_pictures",
            Self::Suggestions => "suggestions",
            Self::PendingAnswers => "pending_answers",
            Self::TokensPerDay => "tokens_per_day",
            Self::CostPerDay => "cost_per_day",
            Self::QueuedDocuments => "queued_documents",
            Self::Documents => "documents",
            Self::DocumentBytes => "document_bytes",
            Self::InvalidTokens => "invalid_tokens",
            Self::AnonymousRequests => "anonymous_requests",
        }
    }

    /// The limits per person that can refuse an operation, by its id in the OpenAPI document.
    pub(in crate::api) fn of_operation(operation_id: &str) -> &'static [Self] {
        match operation_id {
            "send_command" => {
                &[Self::Requests, Self::Commands, Self::PendingAnswers, Self::TokensPerDay, Self::CostPerDay]
            }
            "suggest_questions" => {
                &[Self::Requests, Self::Commands, Self::Suggestions, Self::TokensPerDay, Self::CostPerDay]
            }
            "add_document" => &[
                Self::Requests,
                Self::Commands,
                Self::Uploads,
                Self::QueuedDocuments,
                Self::Documents,
                Self::DocumentBytes,
            ],
            "change_document" => &[Self::Requests, Self::Commands, Self::WaitingReads, Self::QueuedDocuments],
            "remove_document" | "change_account" | "change_me" | "create_invitation" => {
                &[Self::Requests, Self::Commands]
            }
            "search" => &[Self::Requests, Self::Search, Self::WaitingReads],
            "list_conversations" | "get_conversation" | "list_messages" | "list_documents"
            | "get_document" | "get_original" => &[Self::Requests, Self::WaitingReads],
            "follow_user" | "follow_conversation" | "follow_audit_events" => &[Self::Requests, Self::Streams],
            "get_page" => &[Self::Requests, Self::WaitingReads, Self::PagePictures],
            "export_me" => &[Self::Requests, Self::Exports],
            _ => REQUESTS,
        }
    }

    /// Subject of the limit, for the detail of a problem.
    const fn counts(self) -> &'static str {
        match self {
            Self::Requests => "requests a minute",
            Self::Commands => "commands a minute",
            Self::Search => "searches a minute",
            Self::Streams => "open streams",
            Self::WaitingReads => "waiting reads",
            Self::Exports => "exports at the same time",
            Self::Uploads => "uploads at the same time",
            Self::Suggestions => "suggestions at the same time",
            Self::PendingAnswers => "answers that have not ended",
            Self::TokensPerDay => "tokens a day",
            Self::CostPerDay => "hundredths of the currency a day",
            Self::QueuedDocuments => "documents that wait for the index",
            Self::Documents => "documents",
            Self::DocumentBytes => "bytes of documents",
            Self::InvalidTokens => "invalid session tokens a minute from one address",
            Self::PagePictures => "pictures of pages at the same time",
            Self::AnonymousRequests => "requests without a valid token from one address at the same time",
        }
    }
}

/// The limits of a process, and what each person uses of them.
#[derive(Debug)]
pub(in crate::api) struct Limits {
    pub(in crate::api) requests: RateLimit<UserId>,
    pub(in crate::api) commands: RateLimit<UserId>,
    pub(in crate::api) search: RateLimit<UserId>,
    /// Searches, the most expensive queries.
    pub(in crate::api) search_turns: Turns,
    pub(in crate::api) streams: Permits,
    pub(in crate::api) waiting_reads: Permits,
    pub(in crate::api) exports: Permits,
    pub(in crate::api) uploads: Permits,
    pub(in crate::api) page_pictures: Permits,
    pub(in crate::api) suggestions: Permits,
    pub(in crate::api) pending_answers: PendingAnswers,
    pub(in crate::api) budgets: Budgets,
    /// Of all persons together.
    pub(in crate::api) commands_in_flight: CommandsInFlight,
    pub(in crate::api) queued_documents: Quantity,
    pub(in crate::api) documents: Quantity,
    pub(in crate::api) document_bytes: Quantity,
    pub(in crate::api) invalid_tokens: RateLimit<IpAddr>,
    pub(in crate::api) anonymous_requests: Permits<IpAddr>,
    /// Requests above a limit, by the hash of their token.
    pub(in crate::api) refused_tokens: Refusals<u64>,
    /// Requests without a valid token.
    pub(in crate::api) refused_addresses: Refusals<IpAddr>,
}

impl Limits {
    pub(in crate::api) fn new(config: &LimitsConfig, connections: &ConnectionLimits) -> Self {
        let anonymous = connections.max_anonymous_connections_per_address;
        Self {
            requests: RateLimit::per_minute(Limit::Requests, config.limit_requests),
            commands: RateLimit::per_minute(Limit::Commands, config.limit_commands),
            search: RateLimit::per_minute(Limit::Search, config.limit_search),
            search_turns: Turns::default(),
            streams: Permits::new(Limit::Streams, config.limit_streams),
            waiting_reads: Permits::new(Limit::WaitingReads, config.limit_waiting_reads),
            exports: Permits::new(Limit::Exports, config.limit_exports),
            uploads: Permits::new(Limit::Uploads, config.limit_uploads),
            page_pictures: Permits::new(Limit::PagePictures, config.limit_page_pictures),
            suggestions: Permits::new(Limit::Suggestions, config.limit_suggestions),
            pending_answers: PendingAnswers::new(Quantity::new(
                Limit::PendingAnswers,
                config.limit_pending_answers,
            )),
            budgets: Budgets::new(config.budget_tokens_per_day, config.budget_cost_per_day),
            commands_in_flight: CommandsInFlight::default(),
            queued_documents: Quantity::new(Limit::QueuedDocuments, config.limit_queued_documents),
            documents: Quantity::new(Limit::Documents, config.limit_documents),
            document_bytes: Quantity::new(Limit::DocumentBytes, config.limit_document_bytes),
            invalid_tokens: RateLimit::per_minute(Limit::InvalidTokens, config.limit_invalid_tokens),
            anonymous_requests: Permits::new(
                Limit::AnonymousRequests,
                u32::try_from(anonymous).unwrap_or(u32::MAX),
            ),
            refused_tokens: Refusals::new(REFUSED_AT_ONCE),
            refused_addresses: Refusals::new(UNAUTHENTICATED_AT_ONCE),
        }
    }
}

/// A limit that refuses a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::api) struct Exhausted {
    pub(in crate::api) limit: Limit,
    pub(in crate::api) maximum: u64,
    /// Seconds after which a repetition can succeed.
    pub(in crate::api) retry_after: u32,
}

impl Exhausted {
    /// The explanation for the client.
    pub(in crate::api) fn detail(&self) -> String {
        let Self { limit, maximum, retry_after } = self;
        let (name, counts) = (limit.name(), limit.counts());
        format!("The limit `{name}` of {maximum} {counts} is exhausted. Try again in {retry_after} s.")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_has_the_same_name_in_its_schema_and_in_texts() {
        let schema = serde_json::to_value(<Limit as utoipa::PartialSchema>::schema()).unwrap();
        for name in schema["enum"].as_array().unwrap() {
            assert_eq!(name.as_str().unwrap().to_lowercase(), *name);
        }
        for limit in Limit::of_operation("add_document").iter().chain(Limit::of_operation("send_command")) {
            assert_eq!(serde_json::to_value(limit).unwrap(), limit.name());
        }
    }
}
