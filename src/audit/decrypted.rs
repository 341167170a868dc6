//! A replayed conversation as text.

use std::fmt::Write as _;

use aggregates::conversation::MessageRole;
use projections::messages::Message;

use super::replay::ReplayedConversation;

/// Renders a conversation: its row, then its messages.
pub(crate) fn show(state: &ReplayedConversation) -> String {
    let mut text = String::new();
    let at = state.at.map_or_else(|| "before its first event".to_owned(), |at| at.to_rfc3339());
    let ReplayedConversation { version, position, first_position, last_position, .. } = state;
    // Writing to a string cannot fail.
    let _ = writeln!(
        text,
        "version {version}, position {position} ({at}); its events: {first_position} to {last_position}"
    );
    let _ = writeln!(text, "owner {}", state.owner);
    if state.erased {
        let _ = writeln!(text, "erased: its texts cannot be read any more");
    }
    match &state.conversation {
        Some(row) => {
            let _ = writeln!(text, "\n{}", row.title);
            for (name, value) in facts(state) {
                let _ = writeln!(text, "  {name}: {value}");
            }
        }
        None if state.deleted => text.push_str("\nIt was deleted.\n"),
        None => text.push_str("\nIt had not begun.\n"),
    }
    for message in &state.messages {
        let _ = write!(text, "\n{} {}\n{}\n", heading(message), message.id, indented(&message.text.read()));
    }
    text
}

/// The fields of a row.
pub(crate) fn facts(state: &ReplayedConversation) -> Vec<(&'static str, String)> {
    let Some(row) = &state.conversation else { return vec![] };
    vec![
        ("title", row.title.clone()),
        ("tags", row.tags.join(", ")),
        ("pinned", row.pinned.to_string()),
        ("archived", row.archived.to_string()),
        ("messages", row.message_count.to_string()),
        ("answering", row.answering.to_string()),
    ]
}

/// Role and status of a message.
pub(crate) fn heading(message: &Message) -> String {
    match (message.role, &message.failure) {
        (MessageRole::User, _) => "question".to_owned(),
        (MessageRole::Assistant, Some(failure)) => format!("answer, failed: {}", failure.reason),
        (MessageRole::Assistant, None) => format!("answer, {}", message.status),
    }
}

/// Indents a text below its heading.
pub(crate) fn indented(text: &str) -> String {
    text.lines().map(|line| ["    ", line].concat()).collect::<Vec<_>>().join("\n")
}
