//! The documents that a question is answered from: those that it names, and those with one of its tags.

use aggregates::conversation::{AskQuestion, Intent};
use aggregates::document::DocumentStatus;
use aggregates::{ConversationId, DocumentId, UserId};

use super::execute::ConversationCommands;
use crate::api::problem::Problem;
use crate::api::routes::documents::tagged;
use store::StoreError;

/// The largest number of documents that a question names, and of documents with its tags.
const MAX_NAMED: usize = 100;
const MAX_TAGGED: usize = 1_000;

impl ConversationCommands {
    /// Adds the documents with one of these tags to those that a question names, and checks that all exist
    /// for the caller. A repeated question is not checked: its documents may be gone.
    pub(super) async fn choose_documents(
        &self,
        caller: UserId,
        conversation: ConversationId,
        intent: &mut Intent,
        tags: &[String],
    ) -> Result<(), Problem> {
        let Intent::Ask(question) = &mut *intent else { return Ok(()) };
        if question.documents.is_empty() && tags.is_empty() {
            return Ok(());
        }
        let chosen = self.choose(caller, question, tags).await;
        self.unless_repeated(caller, conversation, intent, chosen).await
    }

    async fn choose(
        &self,
        caller: UserId,
        question: &mut AskQuestion,
        tags: &[String],
    ) -> Result<(), Problem> {
        if question.documents.len() > MAX_NAMED {
            return Err(Problem::invalid_field("documents", "The value must be up to 100 ids."));
        }
        for id in &question.documents {
            if !self.is_readable(caller, *id).await? {
                return Err(Problem::invalid_field("documents", "A document of the list was not found."));
            }
        }
        if tags.is_empty() {
            return Ok(());
        }
        self.reads.show_writes_of(caller).await?;
        let mut found = Vec::new();
        for owner in [caller, UserId::SHARED] {
            found.extend(tagged(&self.reads, owner, tags).await?);
        }
        if found.is_empty() {
            return Err(Problem::invalid_field("document_tags", "No document has one of these tags."));
        }
        if found.len() > MAX_TAGGED {
            let detail = "More than 1,000 documents have one of these tags.";
            return Err(Problem::invalid_field("document_tags", detail));
        }
        found.retain(|id| !question.documents.contains(id));
        question.documents.extend(found);
        Ok(())
    }

    async fn is_readable(&self, caller: UserId, id: DocumentId) -> Result<bool, StoreError> {
        let document = self.store.documents().current(id.uuid()).await?;
        let is_of_caller =
            matches!(document.owner(), Some(owner) if owner == caller || owner == UserId::SHARED);
        Ok(is_of_caller && document.status() != Some(DocumentStatus::Removed))
    }
}
