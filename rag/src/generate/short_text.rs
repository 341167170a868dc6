//! A short text from the language model, for the service rather than for a reader.

use std::time::Duration;

use futures::{StreamExt as _, pin_mut};

use crate::error_chain::ErrorChain;
use crate::generate::{ChatModel, FinishReason, ModelEvent};
use crate::prompt::Prompt;

impl ChatModel {
    /// Returns the text of the answer without its reasoning, and no more of it than the first bytes after
    /// `max_bytes`. `None` if the model is unavailable, needs longer than `time_limit`, or does not end its
    /// text by itself.
    pub(crate) async fn short_text(
        &self,
        prompt: &Prompt,
        max_bytes: usize,
        time_limit: Duration,
    ) -> Option<String> {
        let writing = async {
            // A wait that leaves no time for the text is of no use.
            let model = Self { patience: time_limit / 2, ..self.clone() };
            let events = model.stream(prompt);
            pin_mut!(events);
            let mut text = String::new();
            while let Some(event) = events.next().await {
                match event {
                    Ok(ModelEvent::Delta(delta)) => {
                        text.push_str(&delta);
                        if text.len() > max_bytes {
                            return Some(text);
                        }
                    }
                    Ok(ModelEvent::TextWasReasoning) => text.clear(),
                    Ok(ModelEvent::Reasoning(_)) => {}
                    Ok(ModelEvent::Finished(end)) => {
                        return Some(text).filter(|_| end.reason == FinishReason::Stop);
                    }
                    Err(error) => {
                        tracing::debug!(error = %ErrorChain(&error), "the language model wrote no short text");
                        return None;
                    }
                }
            }
            None
        };
        tokio::time::timeout(time_limit, writing).await.ok().flatten()
    }
}
