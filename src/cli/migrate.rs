//! `colloquy migrate`.

use clap::Args;
use secrecy::SecretString;

use crate::config::secret::{self, DATABASE_DIRECT_URL, DATABASE_URL};

#[derive(Debug, Args)]
#[command(after_help = secret::help(&[&DATABASE_DIRECT_URL, &DATABASE_URL]))]
pub(super) struct Arguments {
    #[arg(skip = DATABASE_DIRECT_URL.or(&DATABASE_URL)?)]
    database_direct_url: SecretString,
}

pub(super) async fn run(Arguments { database_direct_url }: Arguments) -> anyhow::Result<()> {
    Ok(store::migrate(&database_direct_url).await?)
}
