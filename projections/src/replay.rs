//! A conversation replayed in memory from its events: its state after the last of them.
//!
//! The replay reads no table. It folds with the functions of the read models, so that both
//! yield the same state.

use std::collections::HashMap;

use crate::DecryptedEvent;
use crate::conversations::{self, ConversationRow};
use crate::messages::{self, Message};

/// The state of a replayed conversation.
#[derive(Debug, Clone, Default)]
pub struct Replayed {
    /// The row of the list; `None` without events, or if the conversation is deleted.
    pub conversation: Option<ConversationRow>,
    /// The messages of all branches, oldest first; empty if the conversation is deleted.
    pub messages: Vec<Message>,
    /// Whether the conversation is deleted.
    pub deleted: bool,
}

/// Folds the events of one conversation, in order from its first event.
pub fn replay(events: &[DecryptedEvent]) -> Replayed {
    let mut rows = HashMap::new();
    for event in events {
        conversations::fold(&mut rows, event);
    }
    let Some(row) = rows.into_values().next() else { return Replayed::default() };
    let Some(conversation) = row.into_list_row() else {
        return Replayed { deleted: true, ..Replayed::default() };
    };
    let key = events.iter().find_map(|event| event.content_key.as_ref());
    Replayed { conversation: Some(conversation), messages: messages::replay(events, key), deleted: false }
}
