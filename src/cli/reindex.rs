//! `colloquy reindex`: moves all documents to the configured embedding model.

use std::collections::BTreeSet;

use crate::config::Config;
use crate::knowledge::reindex;
use crate::process::App;

const CONNECTIONS: u32 = 4;

pub(super) async fn run() -> anyhow::Result<()> {
    let config = Config::from_env()?;
    let app = App::new(config.clone(), BTreeSet::new()).await?;
    let done = reindex::run(&config.worker, app.store(CONNECTIONS)?, app.wake()).await?;
    println!("Active collection: {}. Documents written to it: {}.", done.collection, done.documents);
    if let Some(replaced) = done.replaced {
        println!("Collection {replaced} was deleted.");
    }
    Ok(())
}
