//! The steps of an erasure. Each is repeatable and fails unless its store is empty afterwards.

use std::time::Duration;

use aggregates::conversation::{Answer, ConversationCommand, ConversationRefused, FailureReason, Intent};
use aggregates::{Actor, ConversationId, UserId};
use anyhow::{Context as _, bail};
use async_nats::jetstream::stream::Stream;
use bytes::Bytes;
use chrono::Utc;
use rag::error_chain::ErrorChain;

use super::Eraser;
use crate::roles::command_metadata::by_system;
use store::{ExecuteError, StoreError};

/// Time limit for the projector to reach the destruction of the keys.
const PROJECTED_WITHIN: Duration = Duration::from_secs(30);
/// Interval between looks at the read models.
const LOOK: Duration = Duration::from_millis(50);
/// Time limit of one call to NATS.
const CALL: Duration = Duration::from_secs(5);

impl Eraser {
    /// Ends the pending answers: stops them, or, where the conversation or the owner accepts no text any
    /// more, records that they failed.
    pub(crate) async fn end_answers(&self, owner: UserId) -> anyhow::Result<()> {
        for (conversation, answer_id) in self.store.unended_answers(owner).await? {
            let stop = Intent::Stop { answer_id, so_far: Answer::default() };
            let mut ended = self.end(owner, Actor::User(owner), conversation, stop).await;
            if accepts_no_text(&ended) {
                let reason = FailureReason::Internal;
                let fail = Intent::RecordFailure { answer_id, attempt: 0, reason };
                ended = self.end(owner, Actor::System, conversation, fail).await;
            }
            match ended {
                // The answer ended in the meantime.
                Ok(()) | Err(ExecuteError::Refused(ConversationRefused::AnswerEnded(_))) => {}
                // This release cannot read the conversation, and no worker of it writes the answer.
                Err(ExecuteError::Store(error)) if error.is_of_data() => {
                    tracing::warn!(error = %ErrorChain(&error), answer.id = %answer_id, "an answer cannot be ended");
                }
                Err(error) => return Err(error.into()),
            }
        }
        self.wake.notify();
        Ok(())
    }

    async fn end(
        &self,
        owner: UserId,
        by: Actor,
        conversation: ConversationId,
        intent: Intent,
    ) -> Result<(), ExecuteError<ConversationRefused>> {
        let command = ConversationCommand { by, at: Utc::now(), expected: None, intent };
        let id = conversation.uuid();
        self.store.conversations().execute(id, command, &by_system(owner), None).await.map(drop)
    }

    /// Destroys the keys and waits for appends that began before.
    pub(crate) async fn destroy_keys(&self, owner: UserId) -> anyhow::Result<()> {
        self.store.destroy_keys(owner).await?;
        Ok(self.store.await_older_appends().await?)
    }

    /// Tells every process to drop what it caches of a user. A process that does not hear it drops the keys
    /// when it looks for destroyed keys next, at the latest after ten minutes.
    pub(crate) async fn tell_processes(&self, owner: UserId) -> anyhow::Result<()> {
        let telling = async {
            let message = Bytes::from(owner.to_string());
            self.nats.publish(self.subjects.erasing(), message).await?;
            self.nats.publish(self.subjects.keys_destroyed(), Bytes::new()).await?;
            anyhow::Ok(self.nats.flush().await?)
        };
        tokio::time::timeout(CALL, telling).await.context("NATS did not answer in time")?
    }

    /// Waits until the projector has deleted the owner's rows, which it does at the event that destroys the
    /// keys. Rows that a projector of an earlier release added after it are deleted here.
    pub(crate) async fn purge_read_models(&self, owner: UserId) -> anyhow::Result<()> {
        let read_models = self.store.read_models();
        let is_reached = async || {
            let Some(destroyed) = self.store.keys_erased_position(owner).await? else { return Ok(false) };
            anyhow::Ok(projections::lowest_checkpoint(read_models).await? >= destroyed)
        };
        let waiting = async {
            while !is_reached().await? {
                tokio::time::sleep(LOOK).await;
            }
            anyhow::Ok(())
        };
        let waited = tokio::time::timeout(PROJECTED_WITHIN, waiting).await;
        waited.context("the projector did not delete the rows in time")??;
        self.store.delete_dead_letters_of(owner).await?;
        if projections::count_owner_rows(read_models, owner).await? > 0 {
            let mut connection = self.store.connection().await?;
            let deleting = projections::delete_owner_rows(&mut connection, owner);
            if let Ok(deleted) = tokio::time::timeout(PROJECTED_WITHIN, deleting).await {
                return Ok(deleted?);
            }
            connection.abandon();
            bail!("the database did not delete the rows in time");
        }
        Ok(())
    }

    pub(crate) async fn purge_passages(&self, owner: UserId) -> anyhow::Result<()> {
        match self.collections.delete_owner(owner.uuid()).await? {
            0 => Ok(()),
            left => bail!("{left} passages remain in the index"),
        }
    }

    pub(crate) async fn purge_files(&self, owner: UserId) -> anyhow::Result<()> {
        self.files.delete_owner(owner).await?;
        match self.files.count_of_owner(owner).await? {
            0 => Ok(()),
            left => bail!("{left} files remain"),
        }
    }

    pub(crate) async fn purge_live_stream(&self, owner: UserId) -> anyhow::Result<()> {
        let stream = self.stream(&self.subjects.live_stream()).await?;
        stream.purge().filter(self.subjects.live_of(owner)).await?;
        Ok(())
    }

    pub(super) async fn stream(&self, name: &str) -> anyhow::Result<Stream> {
        let jetstream = self.jetstream();
        let stream = jetstream.get_stream(name);
        Ok(tokio::time::timeout(CALL, stream).await.context("NATS did not answer in time")??)
    }
}

/// Whether an ending was refused because it has a text: the conversation is deleted, or the key destroyed.
const fn accepts_no_text(ended: &Result<(), ExecuteError<ConversationRefused>>) -> bool {
    matches!(
        ended,
        Err(ExecuteError::Refused(ConversationRefused::Deleted)
            | ExecuteError::Store(StoreError::KeyDestroyed | StoreError::OwnerErased))
    )
}
