//! Aliases: second names of collections, changed all or none, kept in one small file.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::Context;

use crate::failure::Failure;

const FILE: &str = "aliases.json";

type Aliases = BTreeMap<String, String>;

/// One change of the aliases.
pub(crate) enum AliasChange {
    /// Lets `alias` stand for `collection`, whatever it stood for before.
    Set { alias: String, collection: String },
    /// Gives the alias `from` the name `to`.
    Rename { from: String, to: String },
    /// Removes the alias; one that is not there is no error.
    Remove { alias: String },
}

/// What `aliases` become by `changes`; `exists` tells whether a collection is there.
pub(super) fn changed(
    aliases: &Aliases,
    changes: Vec<AliasChange>,
    exists: impl Fn(&str) -> bool,
) -> Result<Aliases, Failure> {
    let mut aliases = aliases.clone();
    for change in changes {
        match change {
            AliasChange::Set { alias, collection } => {
                if !exists(&collection) {
                    return Err(Failure::MissingCollection(collection));
                }
                if exists(&alias) {
                    return Err(Failure::CollectionExists(alias));
                }
                aliases.insert(alias, collection);
            }
            AliasChange::Rename { from, to } => {
                if exists(&to) {
                    return Err(Failure::CollectionExists(to));
                }
                let collection = aliases.remove(&from).ok_or(Failure::MissingAlias(from))?;
                aliases.insert(to, collection);
            }
            AliasChange::Remove { alias } => {
                aliases.remove(&alias);
            }
        }
    }
    Ok(aliases)
}

/// Reads the aliases kept in the data folder `root`.
pub(super) fn load(root: &Path) -> anyhow::Result<Aliases> {
    let file = root.join(FILE);
    if !file.exists() {
        return Ok(Aliases::new());
    }
    let text = fs::read(&file).with_context(|| format!("failed to read {}", file.display()))?;
    serde_json::from_slice(&text).with_context(|| format!("failed to understand {}", file.display()))
}

/// Replaces the aliases kept in the data folder `root`.
pub(super) fn save(root: &Path, aliases: &Aliases) -> Result<(), Failure> {
    let write = || -> std::io::Result<()> {
        let draft = root.join("passing").join(FILE);
        let file = fs::File::create(&draft)?;
        serde_json::to_writer(&file, aliases)?;
        file.sync_all()?;
        fs::rename(draft, root.join(FILE))
    };
    write().map_err(|error| Failure::Internal(format!("failed to keep the aliases: {error}")))
}
