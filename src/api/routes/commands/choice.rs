//! The documents that a question is answered from: those that it names, and those with one of its tags.

use aggregates::conversation::{AskQuestion, FoundByTags, Intent};
use aggregates::document::DocumentStatus;
use aggregates::{ConversationId, DocumentId, Tags, UserId};
use futures::{StreamExt as _, stream};

use super::execute::ConversationCommands;
use crate::api::problem::Problem;
use crate::api::routes::documents::tagged;
use store::StoreError;

/// The largest number of documents that a question names, and of documents with its tags.
const MAX_NAMED: usize = 100;
const MAX_TAGGED: usize = 1_000;
/// Documents of a question that are loaded at once.
const LOADED_AT_ONCE: usize = 8;

impl ConversationCommands {
    /// Adds the documents with one of these tags to those that a question names, and checks that all exist
    /// for the caller. A repeated question is not checked: its documents may be gone.
    pub(super) async fn choose_documents(
        &self,
        caller: UserId,
        conversation: ConversationId,
        intent: &mut Intent,
        tags: Tags,
    ) -> Result<(), Problem> {
        let Intent::Ask(question) = &mut *intent else { return Ok(()) };
        if question.documents.is_empty() && tags.as_slice().is_empty() {
            return Ok(());
        }
        let chosen = self.choose(caller, question, tags).await;
        self.unless_repeated(caller, conversation, intent, chosen).await
    }

    async fn choose(&self, caller: UserId, question: &mut AskQuestion, tags: Tags) -> Result<(), Problem> {
        if question.documents.len() > MAX_NAMED {
            return Err(Problem::invalid_field("documents", "The value must be up to 100 ids."));
        }
        let mut named = Vec::with_capacity(question.documents.len());
        let documents = question.documents.clone();
        let states = documents.into_iter().map(|id| async move { (id, self.named(caller, id).await) });
        let mut states = stream::iter(states).buffered(LOADED_AT_ONCE);
        while let Some((id, state)) = states.next().await {
            match state? {
                Named::Readable => named.push(id),
                Named::Removed => {}
                Named::Unknown => {
                    let detail = "A document of the list was not found.";
                    return Err(Problem::invalid_field("documents", detail));
                }
            }
        }
        drop(states);
        if tags.as_slice().is_empty() {
            if named.is_empty() {
                let detail = "All documents of the list were removed.";
                return Err(Problem::invalid_field("documents", detail));
            }
            question.documents = named;
            return Ok(());
        }
        let mut found = self.tagged(caller, &tags).await?;
        found.retain(|id| !named.contains(id));
        let documents = u32::try_from(found.len()).unwrap_or(u32::MAX);
        question.by_tags = Some(FoundByTags { tags, documents });
        named.extend(found);
        question.documents = named;
        Ok(())
    }

    /// The documents with one of these tags.
    async fn tagged(&self, caller: UserId, tags: &Tags) -> Result<Vec<DocumentId>, Problem> {
        self.reads.show_writes_of(caller).await?;
        let mut found = Vec::new();
        for owner in [caller, UserId::SHARED] {
            found.extend(tagged(&self.reads, owner, tags.as_slice()).await?);
        }
        if found.is_empty() {
            return Err(Problem::invalid_field("document_tags", "No document has one of these tags."));
        }
        if found.len() > MAX_TAGGED {
            let detail = "More than 1,000 documents have one of these tags.";
            return Err(Problem::invalid_field("document_tags", detail));
        }
        Ok(found)
    }

    async fn named(&self, caller: UserId, id: DocumentId) -> Result<Named, StoreError> {
        let document = self.store.documents().current(id.uuid()).await?;
        let is_of_caller =
            matches!(document.owner(), Some(owner) if owner == caller || owner == UserId::SHARED);
        Ok(match document.status() {
            _ if !is_of_caller => Named::Unknown,
            Some(DocumentStatus::Removed) => Named::Removed,
            _ => Named::Readable,
        })
    }
}

/// A document that a question names by its id.
enum Named {
    Readable,
    Removed,
    /// None of the caller and none of all.
    Unknown,
}
