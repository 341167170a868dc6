//! The private part of a conversation's row: one ciphertext in the column `card`.

use aggregates::ConversationId;
use sealing::{AssociatedData, ContentKey};
use serde::{Deserialize, Serialize};

/// Title, preview and tags of a conversation.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Card {
    /// The title, if the owner or the worker has set one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) title: Option<String>,
    /// A line of the first question, which stands for the title until one is set.
    #[serde(default)]
    pub(super) opening: String,
    /// The beginning of the newest text.
    #[serde(default)]
    pub(super) preview: String,
    /// The tags as the owner wrote them.
    #[serde(default)]
    pub(super) tags: Vec<String>,
}

impl std::fmt::Debug for Card {
    /// Prints lengths only, so that no text can reach a log.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Card({} bytes of preview, {} tags)", self.preview.len(), self.tags.len())
    }
}

const fn aad(id: ConversationId) -> AssociatedData<'static> {
    AssociatedData::ReadModel { column: "conversations.card", row: id.uuid() }
}

/// Decrypts a card. Without ciphertext or key, the card is empty.
pub(super) fn open(id: ConversationId, sealed: Option<&[u8]>, key: Option<&ContentKey>) -> Card {
    let json = sealed.zip(key).and_then(|(sealed, key)| key.open(&aad(id), sealed).ok());
    json.and_then(|json| serde_json::from_slice(&json).ok()).unwrap_or_default()
}

/// Encrypts a card, equal cards to equal ciphertexts, so that a rebuild yields the same row.
/// `None` without a key.
pub(super) fn seal(id: ConversationId, card: &Card, key: Option<&ContentKey>) -> Option<Vec<u8>> {
    let json = serde_json::to_vec(card).ok()?;
    key?.seal_repeatably(&aad(id), &json).ok()
}
