//! Budgets of one person and day (UTC): tokens and money of all that language models did for the person.

use std::num::NonZeroU64;

use chrono::{DateTime, Days, NaiveTime, Utc};

use super::{Exhausted, Limit};

/// Spending of a person on one day.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(in crate::api) struct Spent {
    /// Tokens of prompts and answers.
    pub(in crate::api) tokens: u64,
    /// Money, in hundredths of the currency of the prices.
    pub(in crate::api) cents: f64,
}

/// The most that a person can spend on a day. An answer that has begun is never cut off for its budget.
#[derive(Debug, Clone, Copy)]
pub(in crate::api) struct Budgets {
    tokens: Option<NonZeroU64>,
    cents: Option<NonZeroU64>,
}

impl Budgets {
    /// Budgets of so many tokens and hundredths; 0 for no limit.
    pub(super) const fn new(tokens: u64, cents: u64) -> Self {
        Self { tokens: NonZeroU64::new(tokens), cents: NonZeroU64::new(cents) }
    }

    /// Whether there is any limit.
    pub(in crate::api) const fn are_limited(&self) -> bool {
        self.tokens.is_some() || self.cents.is_some()
    }

    /// Refuses one more answer of a person who has spent a budget.
    #[expect(clippy::cast_precision_loss, reason = "a budget has fewer hundredths")]
    pub(in crate::api) fn check(&self, spent: &Spent, now: DateTime<Utc>) -> Result<(), Exhausted> {
        let retry_after = until_tomorrow(now);
        if let Some(tokens) = self.tokens
            && spent.tokens >= tokens.get()
        {
            return Err(Exhausted { limit: Limit::TokensPerDay, maximum: tokens.get(), retry_after });
        }
        if let Some(cents) = self.cents
            && spent.cents >= cents.get() as f64
        {
            return Err(Exhausted { limit: Limit::CostPerDay, maximum: cents.get(), retry_after });
        }
        Ok(())
    }
}

/// Seconds until the next day begins, at least 1.
fn until_tomorrow(now: DateTime<Utc>) -> u32 {
    let tomorrow =
        now.date_naive().checked_add_days(Days::new(1)).map(|day| day.and_time(NaiveTime::MIN).and_utc());
    let seconds = tomorrow.map_or(1, |tomorrow| (tomorrow - now).num_seconds());
    u32::try_from(seconds).unwrap_or(1).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_that_is_spent_refuses_until_the_next_day() {
        let evening = DateTime::from_timestamp(1_800_000_000 / 86_400 * 86_400 + 86_400 - 600, 0).unwrap();
        let budgets = Budgets::new(1_000, 250);
        let refused = |tokens, cents| budgets.check(&Spent { tokens, cents }, evening).err();
        assert_eq!(refused(999, 249.9), None);
        let tokens = refused(1_000, 0.0).unwrap();
        assert_eq!((tokens.limit, tokens.maximum, tokens.retry_after), (Limit::TokensPerDay, 1_000, 600));
        assert_eq!(refused(0, 250.0).unwrap().limit, Limit::CostPerDay);
        let unlimited = Budgets::new(0, 0);
        assert!(!unlimited.are_limited());
        assert!(unlimited.check(&Spent { tokens: u64::MAX, cents: 1e12 }, evening).is_ok());
    }
}
