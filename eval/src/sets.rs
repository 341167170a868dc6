//! Evaluates all sets of a folder. Sets about the same documents share one index.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use embedded::Parts;

use crate::engine::{Engine, LocalModel};
use crate::report::Summary;
use crate::{documents, evaluation, questions, report};

/// The end of the name of a file of questions.
const QUESTIONS: &str = "-questions.ndjson";

/// Evaluates the sets in the order of their names. Prints every answer if `each`.
pub(crate) async fn evaluate(
    folder: &Path,
    parts: &Parts,
    model: LocalModel,
    each: bool,
) -> anyhow::Result<Vec<(String, Summary)>> {
    let mut summaries = Vec::new();
    // A process loads the library of PDF once.
    let tools = documents::tools(parts);
    for (documents, names) in sets(folder)? {
        let documents = documents::read(&documents, &tools)?;
        let engine = Engine::start(parts, model).await?;
        let corpus = engine.index(documents).await?;
        for name in names {
            eprintln!("eval: {name}");
            let questions =
                questions::read(&folder.join(format!("{name}{QUESTIONS}")), documents::recognises(&tools))?;
            let evaluation = evaluation::evaluate(&engine, &corpus, &questions).await?;
            if each {
                report::print_each(&evaluation);
            }
            summaries.push((name, Summary::of(&corpus, &evaluation)));
        }
    }
    summaries.sort_by(|a, b| a.0.cmp(&b.0));
    Ok(summaries)
}

/// The names of the sets by their folder of documents.
fn sets(folder: &Path) -> anyhow::Result<BTreeMap<PathBuf, Vec<String>>> {
    let mut sets: BTreeMap<PathBuf, Vec<String>> = BTreeMap::new();
    let entries =
        std::fs::read_dir(folder).with_context(|| format!("{} cannot be read", folder.display()))?;
    for entry in entries {
        let file = entry?.file_name();
        let Some(name) = file.to_str().and_then(|file| file.strip_suffix(QUESTIONS)) else { continue };
        let documents = documents_of(folder, name)
            .with_context(|| format!("there is no folder of documents for {name}{QUESTIONS}"))?;
        sets.entry(documents).or_default().push(name.to_owned());
    }
    if sets.is_empty() {
        bail!("{} contains no file NAME{QUESTIONS}", folder.display());
    }
    Ok(sets)
}

/// The folder with the name of a set, or with the longest beginning of it up to a hyphen.
fn documents_of(folder: &Path, name: &str) -> Option<PathBuf> {
    let mut beginning = Some(name);
    while let Some(part) = beginning {
        let documents = folder.join(part);
        if documents.is_dir() {
            return Some(documents);
        }
        beginning = part.rsplit_once('-').map(|(part, _)| part);
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_with_the_same_beginning_share_their_documents() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("garden")).unwrap();
        for name in ["garden", "garden-in-german"] {
            std::fs::write(folder.path().join(format!("{name}{QUESTIONS}")), "{}").unwrap();
        }
        let found = sets(folder.path()).unwrap();
        let mut names = found[&folder.path().join("garden")].clone();
        names.sort();
        assert_eq!(names, ["garden", "garden-in-german"]);
        std::fs::write(folder.path().join(format!("attic{QUESTIONS}")), "{}").unwrap();
        assert!(format!("{:#}", sets(folder.path()).unwrap_err()).contains("attic"));
    }
}
