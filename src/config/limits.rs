//! Configuration of the limits per person.

use aggregates::conversation::ConversationLimits;
use clap::Args;

use super::values::{measured, within};

/// Limits of one person. Rates and numbers of open things hold in each process; what is stored is counted in
/// the database. 0 is no limit.
#[derive(Debug, Clone, Copy, Default, Args)]
#[command(next_help_heading = "Limits per person")]
pub struct LimitsConfig {
    /// Requests in a minute, at once or spread; 0 for no limit, here and below.
    #[arg(long, env = "LIMIT_REQUESTS", default_value_t = 12_000, value_parser = within(0..=1_000_000_000_u32))]
    pub limit_requests: u32,
    /// Commands in a minute, at once or spread.
    #[arg(long, env = "LIMIT_COMMANDS", default_value_t = 6_000, value_parser = within(0..=1_000_000_000_u32))]
    pub limit_commands: u32,
    /// Searches in a minute, at once or spread.
    #[arg(long, env = "LIMIT_SEARCH", default_value_t = 300, value_parser = within(0..=1_000_000_000_u32))]
    pub limit_search: u32,
    /// Streams that are open at the same time.
    #[arg(long, env = "LIMIT_STREAMS", default_value_t = 20, value_parser = within(0..=1_000_000_000_u32))]
    pub limit_streams: u32,
    /// Reads that wait for the read models at the same time.
    #[arg(long, env = "LIMIT_WAITING_READS", default_value_t = 50, value_parser = within(0..=1_000_000_000_u32))]
    pub limit_waiting_reads: u32,
    /// Exports of personal data at the same time.
    #[arg(long, env = "LIMIT_EXPORTS", default_value_t = 1, value_parser = within(0..=1_000_000_000_u32))]
    pub limit_exports: u32,
    /// Uploads at the same time.
    #[arg(long, env = "LIMIT_UPLOADS", default_value_t = 4, value_parser = within(0..=1_000_000_000_u32))]
    pub limit_uploads: u32,
    /// Pictures of pages that are drawn at the same time.
    #[arg(long, env = "LIMIT_PAGE_PICTURES", default_value_t = 2, value_parser = within(0..=1_000_000_000_u32))]
    pub limit_page_pictures: u32,
    /// Suggestions of questions at the same time.
    #[arg(long, env = "LIMIT_SUGGESTIONS", default_value_t = 2, value_parser = within(0..=1_000_000_000_u32))]
    pub limit_suggestions: u32,
    /// Answers that are requested and have not ended.
    #[arg(long, env = "LIMIT_PENDING_ANSWERS", default_value_t = 100, value_parser = within(0..=1_000_000_000_u64))]
    pub limit_pending_answers: u64,
    /// Messages of one conversation. A conversation accepts ten times as many changes of all kinds.
    #[arg(long, env = "LIMIT_CONVERSATION_MESSAGES", default_value_t = 10_000, value_parser = within(0..=1_000_000_000_u64))]
    pub limit_conversation_messages: u64,
    /// Documents that wait for the index.
    #[arg(long, env = "LIMIT_QUEUED_DOCUMENTS", default_value_t = 200, value_parser = within(0..=1_000_000_000_u64))]
    pub limit_queued_documents: u64,
    /// Documents.
    #[arg(long, env = "LIMIT_DOCUMENTS", default_value_t = 5_000, value_parser = within(0..=1_000_000_000_u64))]
    pub limit_documents: u64,
    /// Bytes of all documents together.
    #[arg(long, env = "LIMIT_DOCUMENT_BYTES", default_value_t = 5 << 30, value_parser = measured(0..=u64::MAX, "bytes"))]
    pub limit_document_bytes: u64,
    /// Tokens of language models on a day (UTC): prompts and answers, also of attempts that failed or were
    /// stopped, of titles and of suggestions. An answer that has begun is not cut off.
    #[arg(long, env = "BUDGET_TOKENS_PER_DAY", default_value_t = 0, value_parser = measured(0..=1_000_000_000_000_u64, "tokens"))]
    pub budget_tokens_per_day: u64,
    /// Money for language models on a day (UTC), in hundredths of the currency of the prices in `MODELS`
    /// and of `MODEL_PROMPT_PRICE` and `MODEL_COMPLETION_PRICE`.
    #[arg(long, env = "BUDGET_COST_PER_DAY", default_value_t = 0, value_parser = measured(0..=1_000_000_000_000_u64, "hundredths"))]
    pub budget_cost_per_day: u64,
    /// Invalid session tokens in a minute from one address.
    #[arg(long, env = "LIMIT_INVALID_TOKENS", default_value_t = 60, value_parser = within(0..=1_000_000_000_u32))]
    pub limit_invalid_tokens: u32,
}

impl LimitsConfig {
    /// The limits of each conversation.
    pub fn conversation(&self) -> ConversationLimits {
        let messages = match self.limit_conversation_messages {
            0 => u64::MAX,
            messages => messages,
        };
        ConversationLimits { messages }
    }
}
