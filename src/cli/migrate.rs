//! `colloquy migrate`.

use crate::config::Config;

pub(super) async fn run() -> anyhow::Result<()> {
    let url = Config::from_env()?.database_direct_url;
    Ok(store::migrate(&url.expose().into()).await?)
}
