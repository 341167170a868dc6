//! The fields of the command `instruct`, of a conversation and of the caller's account.

use aggregates::{Instructions, Temperature};
use serde::Deserialize;
use utoipa::ToSchema;

/// The fields of `instruct`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, ToSchema)]
#[schema(as = InstructCommand)]
pub(in crate::api) struct Instruct {
    /// What the language model is told beside the rules of the service: 1 to 4,000 characters after trimming.
    /// Without them earlier ones are taken back.
    pub(in crate::api) instructions: Option<Instructions>,
    /// Temperature of the language model. Without it that of the account holds, or of the configuration.
    #[schema(value_type = Option<f64>, minimum = 0, maximum = 2)]
    pub(in crate::api) temperature: Option<Temperature>,
}
