//! Reads again what the live stream still has: at the start, and where something was missed.

use std::time::Duration;

use async_nats::jetstream::{self, consumer::DeliverPolicy, consumer::pull::OrderedConfig};
use futures::StreamExt as _;

use super::Hub;

/// How long the stream may take for a message before the replay is given up; a gap will bring it up again.
const PATIENCE: Duration = Duration::from_secs(2);

impl Hub {
    /// Takes in all answers the live stream knows, and forgets those that have ended.
    pub(crate) async fn replay_live(&self) {
        if let Err(error) = self.replay(self.subjects.all_live()).await {
            tracing::debug!(error, "the live stream was not replayed");
        }
        let known = self.present().answers.conversations();
        for (answer_id, conversation_id) in known {
            let Ok(conversation) = self.store.conversations().current(conversation_id.uuid()).await else {
                continue;
            };
            if conversation.answer(answer_id).is_none_or(|answer| answer.status.has_ended()) {
                self.present().answers.end(answer_id);
            }
        }
    }

    pub(crate) fn replay_in_background(&self, subject: String) {
        let hub = self.clone();
        tokio::spawn(async move {
            if let Err(error) = hub.replay(subject).await {
                tracing::debug!(error, "an answer was not replayed");
            }
        });
    }

    async fn replay(&self, subject: String) -> Result<(), String> {
        let jetstream = jetstream::new(self.nats.clone());
        let stream = jetstream
            .get_stream_no_info(self.subjects.live_stream())
            .await
            .map_err(|error| error.to_string())?;
        let config = OrderedConfig {
            filter_subject: subject,
            deliver_policy: DeliverPolicy::All,
            ..OrderedConfig::default()
        };
        let consumer = stream.create_consumer(config).await.map_err(|error| error.to_string())?;
        if consumer.cached_info().num_pending == 0 {
            return Ok(());
        }
        let mut messages = consumer.messages().await.map_err(|error| error.to_string())?;
        while let Ok(Some(Ok(message))) = tokio::time::timeout(PATIENCE, messages.next()).await {
            let pending = message.info().map_or(0, |info| info.pending);
            self.take_live(&message).await;
            if pending == 0 {
                break;
            }
        }
        Ok(())
    }
}
