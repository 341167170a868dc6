//! A conversation folded from its events in memory: what its rows would be, had time stopped after the last one.
//!
//! Touches no table, and folds by the same functions as the read models, so that both always say the same.

use std::collections::HashMap;

use crate::Opened;
use crate::conversations::{self, ConversationRow};
use crate::messages::{self, Message};

/// What a conversation's events come to.
#[derive(Debug, Clone, Default)]
pub struct Replayed {
    /// The row of the list; `None` without events, or once it was deleted.
    pub conversation: Option<ConversationRow>,
    /// The messages of all branches, oldest first; none once it was deleted.
    pub messages: Vec<Message>,
    /// It was deleted.
    pub deleted: bool,
}

/// Folds the events of one conversation, given in order and from the first.
pub fn replay(events: &[Opened]) -> Replayed {
    let mut rows = HashMap::new();
    for event in events {
        conversations::fold_event(&mut rows, event);
    }
    let Some(row) = rows.into_values().next() else { return Replayed::default() };
    let Some(conversation) = conversations::shown(row) else {
        return Replayed { deleted: true, ..Replayed::default() };
    };
    let key = events.iter().find_map(|event| event.key.as_ref());
    Replayed { conversation: Some(conversation), messages: messages::folded(events, key), deleted: false }
}
