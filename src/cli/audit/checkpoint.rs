//! `colloquy audit checkpoint`.

use super::{Database, print_json};

pub(super) async fn run() -> anyhow::Result<()> {
    print_json(&Database::connect().await?.signer().checkpoint().await?)
}
