//! Adds the project's own `docs/` to the shared knowledge at the first start, so that "What is Colloquy?" has
//! an answer.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context as _, Result, bail};
use embedded::{DataDir, binary_beside_this, repository};
use tokio::process::Command;
use tokio::time::timeout;

use crate::environment::Variables;
use crate::terminal::tell;

/// Time limit of the ingestion.
const TIME_LIMIT: std::time::Duration = std::time::Duration::from_mins(10);

/// Runs `colloquy ingest` for the texts of `docs/` unless it has succeeded on this data folder before.
pub(crate) async fn ingest_once(data: &DataDir, variables: &Variables) -> Result<()> {
    let done = data.path().join("docs_ingested");
    let repository = repository()?;
    if done.exists() || !repository.join("docs").is_dir() {
        return Ok(());
    }
    let log = data.logs().join("ingest.log");
    ingest(&repository, &log, variables).await?;
    fs::write(&done, "").with_context(|| format!("{} cannot be written", done.display()))?;
    tell("  the documents in docs/ are indexed: ask \"What is Colloquy?\"");
    Ok(())
}

/// Adds the texts in `docs/`. Screenshots are left out: only a machine with Tesseract could read them.
async fn ingest(repository: &Path, log: &Path, variables: &Variables) -> Result<()> {
    let mut texts = Vec::new();
    find_texts(repository, Path::new("docs"), &mut texts)?;
    let output = fs::File::create(log).with_context(|| format!("{} cannot be written", log.display()))?;
    let errors = output.try_clone().context("the log file cannot be shared")?;
    let mut command = Command::new("setpriv");
    command
        .args(["--pdeathsig", "KILL", "--"])
        .arg(binary_beside_this("colloquy")?)
        .arg("ingest")
        .args(texts);
    command.envs(variables.iter().map(|(name, value)| (name, value))).current_dir(repository);
    command.stdin(Stdio::null()).stdout(output).stderr(errors).kill_on_drop(true);
    let status = timeout(TIME_LIMIT, command.status())
        .await
        .with_context(|| {
            format!("the ingestion of docs/ took more than {} minutes", TIME_LIMIT.as_secs() / 60)
        })?
        .context("colloquy ingest cannot be started")?;
    if !status.success() {
        bail!("the ingestion of docs/ ended with {status}, see {}", log.display());
    }
    Ok(())
}

/// The Markdown files below `folder`, with paths relative to the repository.
fn find_texts(repository: &Path, folder: &Path, texts: &mut Vec<PathBuf>) -> Result<()> {
    let cannot_be_read = || format!("{} cannot be read", folder.display());
    for entry in fs::read_dir(repository.join(folder)).with_context(cannot_be_read)? {
        let entry = entry.with_context(cannot_be_read)?;
        let path = folder.join(entry.file_name());
        if entry.file_type().with_context(cannot_be_read)?.is_dir() {
            find_texts(repository, &path, texts)?;
        } else if path.extension().is_some_and(|extension| extension == "md") {
            texts.push(path);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_found_in_all_folders_and_pictures_are_passed_over() {
        let repository = tempfile::tempdir().unwrap();
        for file in ["docs/api.md", "docs/decisions/one.md", "docs/screenshots/page.png"] {
            let path = repository.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        let mut texts = Vec::new();
        find_texts(repository.path(), Path::new("docs"), &mut texts).unwrap();
        texts.sort();
        assert_eq!(texts, ["docs/api.md", "docs/decisions/one.md"].map(PathBuf::from));
    }
}
