//! Snapshots of all problems. A change of one is a change of the contract.

use std::collections::BTreeMap;

use aggregates::conversation::ConversationRefused;
use aggregates::document::DocumentRefused;
use aggregates::{AnswerId, QuestionId};
use serde_json::{Value, json};

use super::*;
use crate::api::identity::Unauthenticated;
use crate::api::limits::{Exhausted, Limit};
use crate::api::snapshots::{assert_json, id};
use crate::knowledge::files::FilesError;
use store::StoreError;

async fn rendered(problem: Problem) -> Value {
    let (parts, body) = problem.render("0af7651916cd43dd8448eb211c80319c").into_parts();
    let headers: BTreeMap<_, _> = parts
        .headers
        .iter()
        .map(|(name, value)| (name.as_str().to_owned(), value.to_str().unwrap().to_owned()))
        .collect();
    let body = axum::body::to_bytes(body, 10_000).await.unwrap();
    let body: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(body["status"], parts.status.as_u16());
    json!({ "headers": headers, "body": body })
}

async fn assert_problems(name: &str, problems: Vec<Problem>) {
    let mut documents = Vec::new();
    for problem in problems {
        documents.push(rendered(problem).await);
    }
    assert_json(name, &documents);
}

#[tokio::test]
async fn problems_of_requests_match_their_snapshot() {
    let problems: Vec<Problem> = vec![
        Problem::malformed("The body is not valid UTF-8."),
        Problem::resumes_too_late(),
        Problem::invalid_cursor(),
        Problem::invalid_field("title", "The field is missing."),
        Problem::not_found(),
        Problem::no_such_conversation(),
        Problem::no_such_route(),
        Problem::method_not_allowed(),
        Problem::unsupported_media_type(),
        Problem::unsupported_file(),
        Problem::admins_only(),
        Problem::own_account(),
        Problem::not_an_auditor(),
        Problem::account_is_being_erased(),
        Problem::too_large(262_144),
        Problem::idempotency_key_reused(),
        Exhausted { limit: Limit::Commands, maximum: 1, retry_after: 30 }.into(),
        Problem::not_yet(41),
        Problem::timed_out(),
        Problem::internal(),
        Unauthenticated::Missing.into(),
        Unauthenticated::Invalid.into(),
        Unauthenticated::Unavailable.into(),
    ];
    assert_problems("problems_of_requests", problems).await;
}

#[tokio::test]
async fn problems_of_refused_commands_match_their_snapshot() {
    let (answer, question) = (AnswerId::new(id(3)), QuestionId::new(id(2)));
    let conversation = [
        ConversationRefused::NotFound,
        ConversationRefused::VersionMismatch { current: Version(4) },
        ConversationRefused::Deleted,
        ConversationRefused::RestoreTooLate,
        ConversationRefused::AnswerEnded(answer),
        ConversationRefused::AnswerPending(answer),
        ConversationRefused::AnswerIdTaken(answer),
        ConversationRefused::TooManySiblings,
        ConversationRefused::UnknownAnswer(answer),
        ConversationRefused::UnknownQuestion(question),
        ConversationRefused::UnknownParent(answer),
    ];
    let document = [DocumentRefused::NotFound, DocumentRefused::Removed];
    let problems = conversation.into_iter().map(Problem::from).chain(document.into_iter().map(Problem::from));
    assert_problems("problems_of_refused_commands", problems.collect()).await;
}

#[tokio::test]
async fn problems_of_services_match_their_snapshot_and_show_no_inner_error() {
    let inner = || std::io::Error::other("password of the database");
    let problems: Vec<Problem> = vec![
        StoreError::from(sqlx::Error::Io(inner())).into(),
        StoreError::from(sqlx::Error::RowNotFound).into(),
        StoreError::TimedOut.into(),
        StoreError::OutcomeUnknown.into(),
        StoreError::Conflict.into(),
        StoreError::KeyDestroyed.into(),
        StoreError::OwnerErased.into(),
        FilesError::TimedOut.into(),
    ];
    for problem in &problems {
        assert!(!rendered(problem.clone()).await.to_string().contains("password"));
    }
    assert_problems("problems_of_services", problems).await;
}

#[test]
fn the_log_has_each_cause_of_an_error_once() {
    #[derive(Debug, thiserror::Error)]
    #[error("store request failed")]
    struct Outer(#[source] std::io::Error);

    let text = with_causes(Outer(std::io::Error::other("connection reset")));
    assert_eq!(text, "store request failed: connection reset");
}
