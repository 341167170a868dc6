//! The configured language models by name, and the record of the tokens that they take.

mod spending;

use std::sync::Arc;

use aggregates::ModelName;
use anyhow::Context as _;
use rag::generate::ChatModel;

use crate::config::OfferedModel;
pub(crate) use spending::{SpendingRecord, count_tokens, usage_of};

/// The models, the default one first. Clones share their connections.
#[derive(Clone)]
pub struct LanguageModels(Arc<[LanguageModel]>);

/// A model that people can choose.
pub(crate) struct LanguageModel {
    pub(crate) offered: OfferedModel,
    pub(crate) chat: ChatModel,
}

impl std::fmt::Debug for LanguageModels {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.offered().map(|offered| &offered.chat.name)).finish()
    }
}

impl LanguageModels {
    /// Prepares the models of a configuration. Sends no request.
    pub fn new(models: Vec<OfferedModel>) -> anyhow::Result<Self> {
        let models = models.into_iter().map(|offered| {
            let chat = ChatModel::new(offered.chat.clone());
            let chat =
                chat.with_context(|| format!("the language model {:?} cannot be used", offered.chat.name))?;
            Ok(LanguageModel { offered, chat })
        });
        Ok(Self(models.collect::<anyhow::Result<_>>()?))
    }

    /// The models as they are offered, the default one first.
    pub(crate) fn offered(&self) -> impl Iterator<Item = &OfferedModel> {
        self.0.iter().map(|model| &model.offered)
    }

    /// The model with a name. The default one without a name, and where the model is not offered any more;
    /// `None` where answers are quotations.
    pub(crate) fn find(&self, name: Option<&ModelName>) -> Option<&ChatModel> {
        let named =
            name.and_then(|name| self.0.iter().find(|model| model.offered.chat.name == name.as_str()));
        named.or(self.0.first()).map(|model| &model.chat)
    }

    /// The largest context of a model, in tokens.
    pub(crate) fn largest_context(&self) -> u32 {
        self.0.iter().map(|model| model.chat.context_tokens()).max().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use rag::generate::ChatConfig;

    use super::*;

    fn offered(name: &str) -> OfferedModel {
        let chat = ChatConfig::new("http://127.0.0.1:9/v1", name);
        OfferedModel { chat, prompt_price: 0.0, completion_price: 0.0 }
    }

    #[test]
    fn a_model_is_found_by_its_name_and_the_first_one_stands_for_any_other() {
        let models = LanguageModels::new(vec![offered("large"), offered("small")]).unwrap();
        let found = |name: &str| {
            let name = ModelName::try_from(name.to_owned()).unwrap();
            models.find(Some(&name)).map(|model| model.name().to_owned())
        };
        assert_eq!(found("small").as_deref(), Some("small"));
        assert_eq!(found("gone").as_deref(), Some("large"));
        assert_eq!(models.find(None).map(ChatModel::name), Some("large"));
        assert!(LanguageModels::new(vec![]).unwrap().find(None).is_none());
    }
}
