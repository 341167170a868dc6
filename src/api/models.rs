//! The language models that people can choose from, as the API knows them: names and prices.

use aggregates::conversation::Intent;
use aggregates::{ModelName, UserId};
use chrono::Utc;
use projections::QueryError;
use projections::usage::{self, UsageDay};
use rag::generate::ChatModel;

use crate::api::limits::{Budgets, Exhausted, Spent};
use crate::api::problem::Problem;
use crate::config::OfferedModel;
use crate::language_models::LanguageModels;
use store::Store;

/// Tokens that a price is for.
const TOKENS_OF_PRICE: f64 = 1e6;

/// The models, the default one first. Cheap to clone.
#[derive(Debug, Clone)]
pub struct ModelChoices(LanguageModels);

impl ModelChoices {
    /// Offers these models.
    pub const fn new(models: LanguageModels) -> Self {
        Self(models)
    }

    /// The models, the default one first.
    pub(in crate::api) fn all(&self) -> impl Iterator<Item = &OfferedModel> {
        self.0.offered()
    }

    /// The model with a name. The default one without a name, and where the model is not offered any more;
    /// `None` where there are no models.
    pub(in crate::api) fn chat(&self, name: Option<&ModelName>) -> Option<&ChatModel> {
        self.0.find(name)
    }

    /// Refuses more work of a language model for a person who has spent a budget of the day. Costs a query
    /// where budgets are limited.
    pub(in crate::api) async fn check_budgets(
        &self,
        budgets: &Budgets,
        store: &Store,
        user: UserId,
    ) -> Result<Result<(), Exhausted>, QueryError> {
        if !budgets.are_limited() {
            return Ok(Ok(()));
        }
        let now = Utc::now();
        let today = Some(now.date_naive());
        let days = usage::days(store.read_models(), user, today, today).await?;
        Ok(budgets.check(&self.spent(&days), now))
    }

    /// Refuses a command that names a model that is not offered.
    pub(in crate::api) fn check(&self, intent: &Intent) -> Result<(), Problem> {
        let model: Option<&ModelName> = match intent {
            Intent::Ask(ask) => ask.model.as_ref(),
            Intent::Regenerate { model, .. } => model.as_ref(),
            _ => None,
        };
        match model {
            Some(model) if !self.all().any(|offered| offered.chat.name == model.as_str()) => Err(
                Problem::invalid_field("model", "The value is not the name of a model of GET /v1/models."),
            ),
            _ => Ok(()),
        }
    }

    /// Total cost of days and models. A model that is not offered any more has no price.
    #[expect(clippy::cast_precision_loss, reason = "a person has fewer tokens")]
    pub(in crate::api) fn spent(&self, days: &[UsageDay]) -> Spent {
        let mut spent = Spent::default();
        for day in days {
            spent.tokens += day.prompt_tokens.unsigned_abs() + day.completion_tokens.unsigned_abs();
            if let Some(model) = self.all().find(|offered| offered.chat.name == day.model) {
                let prompts = day.prompt_tokens as f64 * model.prompt_price;
                let completions = day.completion_tokens as f64 * model.completion_price;
                spent.cents += (prompts + completions) / TOKENS_OF_PRICE * 100.0;
            }
        }
        spent
    }
}

#[cfg(test)]
mod tests {
    use chrono::NaiveDate;
    use rag::generate::ChatConfig;

    use super::*;

    #[test]
    fn tokens_of_all_models_count_and_those_with_a_price_cost_money() {
        let chat = ChatConfig::new("http://127.0.0.1:9/v1", "large");
        let offered = vec![OfferedModel { chat, prompt_price: 0.5, completion_price: 2.0 }];
        let choices = ModelChoices::new(LanguageModels::new(offered).unwrap());
        let day = |model: &str| UsageDay {
            day: NaiveDate::default(),
            model: model.to_owned(),
            answers: 1,
            prompt_tokens: 1_000_000,
            completion_tokens: 500_000,
        };
        let spent = choices.spent(&[day("large"), day("gone")]);
        assert_eq!((spent.tokens, spent.cents), (3_000_000, 150.0));
    }
}
