//! `colloquy backup restore`.

use std::collections::BTreeSet;

use aggregates::operation::OperationEvent;
use clap::Args;

use super::{InstallationArguments, in_jetstream, step_bar};
use crate::cli::signals::EndSignals;
use crate::knowledge::files::Files;
use crate::operations::backup::{Backup, BackupError, Existing, Restored, Target, of_all_backups, restore};
use crate::operations::journal;
use crate::process::App;

#[derive(Debug, Args)]
pub(in crate::cli) struct Arguments {
    /// Id of the backup; default the newest one.
    #[arg(long, value_name = "ID")]
    backup_id: Option<String>,
    /// Restore beside a file store and a JetStream that are in use: their files and tombstones stay. The
    /// databases have to be empty all the same.
    #[arg(long)]
    keep_existing: bool,
    #[command(flatten)]
    installation: InstallationArguments,
}

pub(super) async fn run(arguments: Arguments) -> anyhow::Result<()> {
    let Arguments { backup_id, keep_existing, installation } = arguments;
    let (repository, masters) = (installation.place.repository()?, installation.masters());
    let backup = Backup::open(&repository, backup_id.as_deref(), &masters).await?;
    let app = App::new(installation.app.clone(), BTreeSet::new()).await?;
    let jetstream = in_jetstream(&app).await;
    if jetstream.events > 0 && !keep_existing {
        return Err(BackupError::InUse("JetStream".to_owned()).into());
    }
    let (mut erased, unread) = of_all_backups(&repository, &masters).await?;
    for id in unread {
        eprintln!("warning: backup {id} cannot be read; erasures that it alone knows are not repeated");
    }
    erased.extend(jetstream.tombstones);
    let files = Files::new(&installation.place.files)?;
    let target = Target {
        database_url: &installation.database_direct_url,
        accounts_url: &installation.auth_database_url,
        accounts_schema: &installation.auth_schema,
        files: &files,
    };
    let existing = if keep_existing { Existing::Kept } else { Existing::Refused };
    let bar = step_bar()?;
    let mut signals = EndSignals::listen()?;
    let restoring = restore(&backup, target, erased, existing, |step| bar.set_message(step.to_owned()));
    let restored = tokio::select! {
        restored = restoring => restored.map_err(anyhow::Error::from),
        () = signals.next() => Err(anyhow::anyhow!("interrupted; a repetition continues")),
    };
    // An object store keeps the parts of an upload that nobody aborts.
    files.aborted().await;
    let restored = restored?;
    bar.finish_and_clear();
    let event = OperationEvent::BackupRestored { position: restored.position };
    journal::record(&app.store(1)?, &app.wake(), event).await?;
    report(&backup.manifest.id, &restored);
    Ok(())
}

fn report(id: &str, Restored { position, files, erased, unknown_tables }: &Restored) {
    println!("Backup {id} is restored up to position {position}, with {files} files.");
    println!("{erased} users are known as erased: their keys and accounts are not restored.");
    for (table, rows) in unknown_tables {
        eprintln!("warning: table {table} is not one of this release: {rows} rows were not restored");
    }
    println!("Start the service, then fill the document index by `colloquy restore`.");
}
