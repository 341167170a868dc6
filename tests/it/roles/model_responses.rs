//! Responses of language models that hold more than the text of an answer, or less.

use aggregates::conversation::{ConversationEvent, CutOff, FailureReason};
use nats::LiveKind;

use crate::support::answering::{Heard, QUESTION, WRITTEN, at_work, completed, ending, failed, work};
use crate::support::backbone::conversation;
use crate::support::model_server::{Act, ModelServer};
use crate::support::waiting::until;

const THOUGHT: &str = r#"{"choices":[{"delta":{"content":"Source [1] counts them.\n"}}]}"#;
const AFTER_THOUGHT: &str =
    r#"{"choices":[{"delta":{"content":"</think>\n\nIt has sixty-one bars [1]."},"finish_reason":"stop"}]}"#;
const CUT: &str = r#"{"choices":[{"delta":{"content":"It has sixty"},"finish_reason":"length"}]}"#;
const FILTERED: &str = r#"{"choices":[{"delta":{"role":"assistant"},"finish_reason":"content_filter"}]}"#;

#[tokio::test]
async fn reasoning_is_streamed_and_recorded_apart_and_is_not_sent_on() {
    let backbone = at_work().await;
    let model = ModelServer::start(&[Act::Events(&[THOUGHT, AFTER_THOUGHT]), Act::Say(WRITTEN)]).await;
    let (user, id) = (backbone.user().await, conversation());
    let (_, answer) = backbone.ask(user, id, QUESTION).await;
    let heard = Heard::listen(&backbone, user, id, answer).await;
    work(&backbone, Some(&model));
    let (recorded, attempt) = completed(ending(&backbone, id, answer).await);
    assert_eq!(recorded.text, "It has sixty-one bars [1].");
    assert_eq!(recorded.reasoning, "Source [1] counts them.\n");
    assert_eq!((recorded.citations.len(), recorded.cut_off, attempt), (1, None, 1));
    until("text and reasoning were heard, after a new beginning", async || {
        let messages = heard.all();
        let begun = messages.iter().rposition(|(_, kind, _)| matches!(kind, LiveKind::Started { .. }))?;
        let after = |wanted: fn(&LiveKind) -> bool| {
            let pieces = messages[begun..].iter().filter(|(_, kind, _)| wanted(kind));
            pieces.flat_map(|(_, _, piece)| piece.clone()).collect::<Vec<u8>>()
        };
        let text = after(|kind| matches!(kind, LiveKind::Delta { .. }));
        let reasoning = after(|kind| matches!(kind, LiveKind::Reasoning { .. }));
        (text == recorded.text.as_bytes() && reasoning == recorded.reasoning.as_bytes()).then_some(())
    })
    .await;
    let (_, second) = backbone.ask(user, id, "Who built the great marimba of Zanthor?").await;
    completed(ending(&backbone, id, second).await);
    let said = model.last_messages();
    assert!(said.iter().any(|message| message.contains("sixty-one bars")));
    assert!(!said.iter().any(|message| message.contains("counts them")), "reasoning was sent on");
}

#[tokio::test]
async fn an_answer_that_is_cut_off_says_so_and_a_filtered_one_fails_with_its_reason() {
    let backbone = at_work().await;
    let model = ModelServer::start(&[Act::Events(&[CUT]), Act::Events(&[FILTERED])]).await;
    work(&backbone, Some(&model));
    let user = backbone.user().await;
    let cut = conversation();
    let (_, answer) = backbone.ask(user, cut, QUESTION).await;
    let (recorded, _) = completed(ending(&backbone, cut, answer).await);
    assert_eq!((recorded.text.as_str(), recorded.cut_off), ("It has sixty", Some(CutOff::Tokens)));
    let filtered = conversation();
    let (_, answer) = backbone.ask(user, filtered, QUESTION).await;
    let event = ending(&backbone, filtered, answer).await;
    assert_eq!(failed(&event), (FailureReason::ContentFiltered, 1));
    assert!(matches!(event, ConversationEvent::AnswerFailed { .. }));
}
