//! `colloquy migrate`.

use crate::config::Config;

pub(super) async fn run() -> anyhow::Result<()> {
    store::migrate(Config::from_env()?.database_direct_url.expose()).await
}
