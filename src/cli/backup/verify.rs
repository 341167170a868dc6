//! `colloquy backup verify`.

use std::collections::BTreeSet;

use aggregates::operation::OperationEvent;
use anyhow::bail;
use clap::Args;
use rag::error_chain::ErrorChain;
use secrecy::SecretString;
use store::ScratchDatabase;

use super::{InstallationArguments, secrets, step_bar};
use crate::config::secret::{self, DATABASE_DIRECT_URL, DATABASE_URL, SCRATCH_DATABASE_URL};
use crate::operations::backup::{Backup, Masters, Verified, verify_in, verify_parts};
use crate::operations::journal;
use crate::process::App;

#[derive(Debug, Args)]
#[command(after_help = secret::help(&[secrets(), vec![&SCRATCH_DATABASE_URL]].concat()))]
pub(in crate::cli) struct Arguments {
    /// Id of the backup; default the newest one.
    #[arg(long, value_name = "ID")]
    backup_id: Option<String>,
    /// Read and check every part and every file, but restore nothing.
    #[arg(long)]
    parts_only: bool,
    #[command(flatten)]
    installation: InstallationArguments,
    #[arg(skip = SCRATCH_DATABASE_URL.optional()?.map_or_else(|| DATABASE_DIRECT_URL.or(&DATABASE_URL), Ok)?)]
    scratch_database_url: SecretString,
}

pub(super) async fn run(arguments: Arguments) -> anyhow::Result<()> {
    let Arguments { backup_id, parts_only, installation, scratch_database_url } = arguments;
    let repository = installation.place.repository()?;
    let backup = Backup::open(&repository, backup_id.as_deref(), &installation.masters()).await?;
    let bar = step_bar()?;
    let progress = |step: &str| bar.set_message(step.to_owned());
    let verified = if parts_only {
        verify_parts(&backup, progress).await?
    } else {
        let scratch = ScratchDatabase::create(&scratch_database_url).await?;
        let (current, previous) =
            (&installation.app.master_key, installation.app.master_key_previous.as_ref());
        let verified = verify_in(&scratch.url, &backup, Masters { current, previous }, progress).await;
        let name = scratch.name().to_owned();
        if let Err(error) = scratch.drop().await {
            eprintln!("warning: database {name} was not dropped: {}", ErrorChain(&error));
        }
        verified?
    };
    bar.finish_and_clear();
    let (id, position) = (backup.manifest.id.clone(), backup.manifest.position);
    let problems = verified.problems.len() as u64;
    let event = OperationEvent::BackupVerified { backup: id.clone(), position, problems };
    if let Err(error) = record(&installation, event).await {
        eprintln!("warning: the verification was not recorded: {}", ErrorChain(&*error));
    }
    report(&id, &verified, parts_only);
    if problems > 0 {
        bail!("backup {id} is not whole: {problems} problems");
    }
    Ok(())
}

async fn record(installation: &InstallationArguments, event: OperationEvent) -> anyhow::Result<()> {
    let app = App::new(installation.app.clone(), BTreeSet::new()).await?;
    Ok(journal::record(&app.store(1)?, &app.wake(), event).await?)
}

fn report(id: &str, Verified { parts, files, events, problems, .. }: &Verified, parts_only: bool) {
    for problem in problems {
        println!("{problem}");
    }
    if problems.is_empty() {
        println!("Backup {id} is whole: {parts} parts, {files} files.");
        if !parts_only {
            println!(
                "Restored into a scratch database: {events} events, hash chain intact; read models equal, row by row."
            );
        }
    }
}
