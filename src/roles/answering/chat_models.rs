//! The language models of a worker, by name.

use aggregates::ModelName;
use anyhow::Context as _;
use rag::generate::ChatModel;

use crate::config::ModelConfig;

/// The models, the default one first.
pub(super) struct ChatModels {
    models: Vec<ChatModel>,
}

impl ChatModels {
    /// Prepares the models of a configuration. Sends no request.
    pub(super) fn new(config: &ModelConfig) -> anyhow::Result<Self> {
        let models = config.offered().into_iter().map(|offered| {
            let name = offered.chat.name.clone();
            ChatModel::new(offered.chat)
                .with_context(|| format!("the language model {name:?} cannot be used"))
        });
        Ok(Self { models: models.collect::<anyhow::Result<_>>()? })
    }

    /// The model with a name. The default one without a name, and where the model is not configured any more;
    /// `None` where answers are quotations.
    pub(super) fn find(&self, name: Option<&ModelName>) -> Option<&ChatModel> {
        let named = name.and_then(|name| self.models.iter().find(|model| model.name() == name.as_str()));
        named.or(self.models.first())
    }

    /// The largest context of a model, in tokens.
    pub(super) fn largest_context(&self) -> u32 {
        self.models.iter().map(ChatModel::context_tokens).max().unwrap_or(0)
    }
}
