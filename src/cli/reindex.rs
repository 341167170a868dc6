//! `colloquy reindex`: moves all documents to the configured embedding model.

use crate::cli::DocumentArguments;
use crate::knowledge::reindex;
use crate::process::App;

const CONNECTIONS: u32 = 4;

pub(super) async fn run(DocumentArguments { app, knowledge }: DocumentArguments) -> anyhow::Result<()> {
    let app = App::for_command(app).await?;
    let done = reindex::run(&knowledge, app.store(CONNECTIONS)?, app.wake()).await?;
    println!("Active collection: {}. Documents written to it: {}.", done.collection, done.documents);
    if let Some(replaced) = done.replaced {
        println!("Collection {replaced} was deleted.");
    }
    Ok(())
}
