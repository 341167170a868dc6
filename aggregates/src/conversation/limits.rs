//! The bounds of a conversation, which keep the cost of reading its history bounded.

use super::answer::SpendingPurpose;
use super::command::{Intent, RecordSpending};
use super::refusal::ConversationRefused as Refused;
use super::state::Conversation;

/// The most that one conversation holds. The ends of its answers and its deletion are always accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConversationLimits {
    /// Questions and answers together.
    pub messages: u64,
}

/// Changes that a conversation accepts for each message of its limit: renaming, pinning, rating and the like.
const CHANGES_PER_MESSAGE: u64 = 10;

impl Default for ConversationLimits {
    fn default() -> Self {
        Self { messages: 10_000 }
    }
}

impl ConversationLimits {
    /// The version from which on a conversation accepts no further changes.
    pub const fn changes(self) -> u64 {
        self.messages.saturating_mul(CHANGES_PER_MESSAGE)
    }

    /// Refuses a conversation that has changed too often. Asked before tokens are spent on suggestions: what is
    /// spent is recorded.
    pub fn check_changes(self, conversation: &Conversation) -> Result<(), Refused> {
        self.check_version(conversation, self.changes())
    }

    fn check_version(self, conversation: &Conversation, changes: u64) -> Result<(), Refused> {
        if conversation.version().0 >= changes {
            return Err(Refused::TooManyChanges { limit: self.changes() });
        }
        Ok(())
    }

    /// Refuses an intent that exceeds the limits.
    pub(super) fn check(self, conversation: &Conversation, intent: &Intent) -> Result<(), Refused> {
        let added = match intent {
            Intent::Ask(_) => 2,
            Intent::Regenerate { .. } => 1,
            _ => 0,
        };
        if added > 0 && conversation.message_count() + added > self.messages {
            return Err(Refused::TooManyMessages { limit: self.messages });
        }
        let changes = match intent {
            Intent::Ask(_)
            | Intent::Regenerate { .. }
            | Intent::Rate { .. }
            | Intent::Rename(_)
            | Intent::ProposeTitle(_)
            | Intent::Pin
            | Intent::Unpin
            | Intent::Archive
            | Intent::Unarchive
            | Intent::Tag(_)
            | Intent::Instruct { .. } => self.changes(),
            // Deleting is always possible, so restoring has as many changes again. Suggestions are begun within
            // the limit and recorded behind it.
            Intent::Restore
            | Intent::RecordSpending(RecordSpending { purpose: SpendingPurpose::Suggestions, .. }) => {
                self.changes().saturating_mul(2)
            }
            Intent::Stop { .. }
            | Intent::Delete
            | Intent::Erase
            | Intent::RecordAnswer(_)
            | Intent::RecordFailure { .. }
            | Intent::RecordSpending(RecordSpending {
                purpose: SpendingPurpose::Attempt | SpendingPurpose::Title,
                ..
            }) => return Ok(()),
        };
        self.check_version(conversation, changes)
    }
}
