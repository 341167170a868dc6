//! How the answers of a person and of a conversation are to be written, read from their events.

use aggregates::account::AccountEvent;
use aggregates::conversation::{ConversationEvent, InstructionScope};
use aggregates::{Event, Instructed, Private, RecordedEvent, Temperature};

/// Instructions and temperature of one answer. Those of the conversation precede those of the person where only
/// one can hold.
#[derive(Clone, Default, PartialEq, Eq)]
pub(super) struct Preferences {
    /// The texts, those of the account first.
    instructions: Vec<(InstructionScope, String)>,
    pub(super) temperature: Option<Temperature>,
}

impl Preferences {
    /// The preferences of the newest event of the account and of the conversation. A text whose key was
    /// destroyed is missing.
    pub(super) fn of(account: Option<&RecordedEvent>, conversation: Option<&RecordedEvent>) -> Self {
        let mut preferences = Self::default();
        if let Some(Event::Account(AccountEvent::AccountInstructed { temperature, private })) =
            account.map(|recorded| &recorded.event)
        {
            preferences.add(InstructionScope::Account, *temperature, private);
        }
        if let Some(Event::Conversation(ConversationEvent::ConversationInstructed { temperature, private })) =
            conversation.map(|recorded| &recorded.event)
        {
            preferences.add(InstructionScope::Conversation, *temperature, private);
        }
        preferences
    }

    fn add(
        &mut self,
        scope: InstructionScope,
        temperature: Option<Temperature>,
        private: &Private<Instructed>,
    ) {
        self.temperature = temperature.or(self.temperature);
        let text = private.open().and_then(|instructed| instructed.instructions.as_ref());
        self.instructions.extend(text.map(|text| (scope, text.as_str().to_owned())));
    }

    /// What the last instructions apply to, as many as a language model was given.
    pub(super) fn last_scopes(&self, given: usize) -> Vec<InstructionScope> {
        let left_out = self.instructions.len().saturating_sub(given);
        self.instructions.iter().skip(left_out).map(|(scope, _)| *scope).collect()
    }

    /// The preferences for the language model.
    pub(super) fn for_model(&self) -> rag::prompt::Preferences {
        rag::prompt::Preferences {
            instructions: self.instructions.iter().map(|(_, text)| text.clone()).collect(),
            temperature: self.temperature.map(f32::from),
        }
    }
}
