//! `colloquy backup create`.

use std::collections::BTreeSet;

use aggregates::operation::OperationEvent;
use chrono::Utc;
use clap::Args;
use secrecy::SecretString;

use super::{InstallationArguments, in_jetstream, step_bar};
use crate::config::secret::{AUDIT_SIGNING_KEY, MASTER_KEY, MASTER_KEY_PREVIOUS};
use crate::knowledge::files::Files;
use crate::operations::backup::{BackupError, Created, InstallationKeys, Source, create};
use crate::operations::journal;
use crate::process::App;

/// Documents without a file that are named.
const NAMED_DOCUMENTS: usize = 20;

#[derive(Debug, Args)]
pub(in crate::cli) struct Arguments {
    /// Keep the master keys and the configured signing key beside the backup, encrypted by
    /// `BACKUP_PASSPHRASE`.
    #[arg(long)]
    with_keys: bool,
    #[command(flatten)]
    installation: InstallationArguments,
}

pub(super) async fn run(Arguments { with_keys, installation }: Arguments) -> anyhow::Result<()> {
    let repository = installation.place.repository()?;
    let passphrase = installation.place.backup.backup_passphrase.clone();
    let keys = with_keys.then(|| keys(passphrase)).transpose()?;
    let app = App::new(installation.app.clone(), BTreeSet::new()).await?;
    app.check_master_key().await?;
    let files = Files::new(&installation.place.files)?;
    let source = Source {
        database_url: &installation.database_direct_url,
        accounts_url: &installation.auth_database_url,
        accounts_schema: &installation.auth_schema,
        files: &files,
        master: &installation.app.master_key,
        tombstones: in_jetstream(&app).await.tombstones,
        keys,
    };
    let bar = step_bar()?;
    let created = create(&repository, source, Utc::now(), |step| bar.set_message(step.to_owned())).await?;
    bar.finish_and_clear();
    let event = OperationEvent::BackupCreated { backup: created.id.clone(), position: created.position };
    journal::record(&app.store(1)?, &app.wake(), event).await?;
    report(&created);
    Ok(())
}

fn keys(passphrase: Option<SecretString>) -> anyhow::Result<(InstallationKeys, SecretString)> {
    let passphrase = passphrase.ok_or(BackupError::NoPassphrase)?;
    let mut keys = InstallationKeys::new();
    for variable in [&MASTER_KEY, &MASTER_KEY_PREVIOUS, &AUDIT_SIGNING_KEY] {
        if let Some(key) = variable.optional()? {
            keys.insert(variable.name.to_owned(), key);
        }
    }
    Ok((keys, passphrase))
}

fn report(created: &Created) {
    let Created { id, position, written, written_bytes, reused, missing_files } = created;
    println!("Backup {id} is complete up to position {position}.");
    println!("{written} parts of {written_bytes} bytes were written, {reused} were there already.");
    for document in missing_files.iter().take(NAMED_DOCUMENTS) {
        eprintln!("warning: document {document} has no file or no key in the file store");
    }
    if missing_files.len() > NAMED_DOCUMENTS {
        eprintln!("warning: {} documents have no file or no key in the file store", missing_files.len());
    }
}
