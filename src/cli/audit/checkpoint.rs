//! `colloquy audit checkpoint`.

use super::{Database, print_json};
use crate::config::AppConfig;

pub(super) async fn run(config: AppConfig) -> anyhow::Result<()> {
    print_json(&Database::connect(config).await?.signer().checkpoint().await?)
}
