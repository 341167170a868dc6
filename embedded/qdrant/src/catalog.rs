//! The collections and aliases by name, and the data folder they lie in.
//!
//! ```text
//! <data>/lock                          held while a process uses the folder
//! <data>/aliases.json                  alias → collection
//! <data>/collections/<name>/request    what the collection was created with (protobuf)
//! <data>/collections/<name>/shard/     the engine's files
//! <data>/passing/                      collections being created or deleted; emptied at start
//! ```
//! A collection appears and disappears by renaming its folder, so that a crash leaves no half of one.

use std::collections::BTreeMap;
use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use prost::Message;
use qdrant_client::qdrant::CreateCollection;
use qdrant_edge::EdgeConfig;
use tokio::sync::RwLock;
use tokio::task::spawn_blocking;

use crate::convert::params;
use crate::failure::Failure;
use crate::shard::Shard;

mod aliases;
mod names;

pub(crate) use aliases::AliasChange;

/// A collection: what it was created with, and its engine.
pub(crate) struct Collection {
    /// The request that created it.
    pub(crate) request: CreateCollection,
    /// What follows from it for the engine.
    pub(crate) config: EdgeConfig,
    /// Its engine.
    pub(crate) shard: Arc<Shard>,
}

#[derive(Default)]
struct Entries {
    collections: BTreeMap<String, Arc<Collection>>,
    aliases: BTreeMap<String, String>,
}

/// All collections of one data folder.
pub(crate) struct Catalog {
    root: PathBuf,
    entries: RwLock<Entries>,
    /// Held, never read: its lock keeps other processes out of the folder.
    _lock: File,
}

impl Catalog {
    /// Opens the folder `root`, creating it when missing, and every collection in it.
    pub(crate) async fn open(root: &Path) -> anyhow::Result<Self> {
        let root = root.to_owned();
        spawn_blocking(move || {
            let lock = prepare(&root)
                .with_context(|| format!("failed to use the data folder {}", root.display()))?;
            let entries = RwLock::new(load(&root)?);
            Ok(Self { root, entries, _lock: lock })
        })
        .await?
    }

    /// The collection that `name`, or the alias `name`, stands for.
    pub(crate) async fn get(&self, name: &str) -> Result<Arc<Collection>, Failure> {
        self.entries.read().await.get(name).ok_or_else(|| Failure::MissingCollection(name.to_owned()))
    }

    /// The names of all collections, sorted.
    pub(crate) async fn names(&self) -> Vec<String> {
        self.entries.read().await.collections.keys().cloned().collect()
    }

    /// Creates a collection.
    pub(crate) async fn create(&self, request: CreateCollection) -> Result<(), Failure> {
        let name = request.collection_name.clone();
        names::check(&name)?;
        let mut entries = self.entries.write().await;
        if entries.collections.contains_key(&name) {
            return Err(Failure::CollectionExists(name));
        }
        if entries.aliases.contains_key(&name) {
            return Err(Failure::WrongInput(format!(
                "Can't create collection with name {name}. Alias with the same name already exists"
            )));
        }
        let config = params::engine_config(&request)?;
        let root = self.root.clone();
        let collection = spawn_blocking(move || create(&root, request, config))
            .await
            .map_err(|error| Failure::from_task(&error))??;
        entries.collections.insert(name, Arc::new(collection));
        Ok(())
    }

    /// Deletes the collection `name`, never one that is only an alias; returns whether there was one.
    pub(crate) async fn delete(&self, name: &str) -> Result<bool, Failure> {
        let mut entries = self.entries.write().await;
        let Some(collection) = entries.collections.get(name).cloned() else {
            return Ok(false);
        };
        collection.shard.close().await?;
        entries.collections.remove(name);
        let (root, folder) = (self.root.clone(), name.to_owned());
        spawn_blocking(move || delete(&root, &folder))
            .await
            .map_err(|error| Failure::from_task(&error))?
            .map_err(|error| Failure::Internal(format!("failed to delete collection {name}: {error}")))?;
        if entries.aliases.values().any(|target| target == name) {
            entries.aliases.retain(|_, target| target != name);
            aliases::save(&self.root, &entries.aliases)?;
        }
        Ok(true)
    }

    /// Applies all changes of aliases, or none.
    pub(crate) async fn change_aliases(&self, changes: Vec<AliasChange>) -> Result<(), Failure> {
        let mut entries = self.entries.write().await;
        let outcome =
            aliases::changed(&entries.aliases, changes, |name| entries.collections.contains_key(name))?;
        aliases::save(&self.root, &outcome)?;
        entries.aliases = outcome;
        Ok(())
    }

    /// All aliases with the collection each stands for.
    pub(crate) async fn aliases(&self) -> Vec<(String, String)> {
        self.entries.read().await.aliases.iter().map(|(alias, name)| (alias.clone(), name.clone())).collect()
    }

    /// Merges and indexes where it is worth it; see [`Shard::tidy`].
    pub(crate) async fn tidy(&self) {
        let collections: Vec<_> = self.entries.read().await.collections.clone().into_iter().collect();
        for (name, collection) in collections {
            if let Err(error) = collection.shard.tidy().await {
                tracing::warn!(collection.name = name, %error, "failed to tidy up");
            }
        }
    }

    /// Flushes and closes every collection.
    pub(crate) async fn close(&self) {
        let mut entries = self.entries.write().await;
        for (name, collection) in std::mem::take(&mut entries.collections) {
            if let Err(error) = collection.shard.close().await {
                tracing::error!(collection.name = name, %error, "failed to close");
            }
        }
    }
}

impl Entries {
    fn get(&self, name: &str) -> Option<Arc<Collection>> {
        let name = self.aliases.get(name).map_or(name, String::as_str);
        self.collections.get(name).cloned()
    }
}

/// Makes the folders, proves that they can be written to, and keeps other processes out.
fn prepare(root: &Path) -> anyhow::Result<File> {
    fs::create_dir_all(root.join("collections"))?;
    let lock = File::create(root.join("lock"))?;
    match lock.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => anyhow::bail!("another process is using it"),
        Err(TryLockError::Error(error)) => return Err(error.into()),
    }
    let passing = root.join("passing");
    if passing.exists() {
        fs::remove_dir_all(&passing)?;
    }
    fs::create_dir_all(&passing)?;
    Ok(lock)
}

fn load(root: &Path) -> anyhow::Result<Entries> {
    let mut entries = Entries { collections: BTreeMap::new(), aliases: aliases::load(root)? };
    for entry in fs::read_dir(root.join("collections"))? {
        let folder = entry?.path();
        let open = || -> anyhow::Result<Collection> {
            let request = CreateCollection::decode(fs::read(folder.join("request"))?.as_slice())?;
            let shard = Arc::new(Shard::open(&request.collection_name, &folder.join("shard"))?);
            Ok(Collection { config: params::engine_config(&request)?, request, shard })
        };
        let collection =
            open().with_context(|| format!("failed to open the collection in {}", folder.display()))?;
        entries.collections.insert(collection.request.collection_name.clone(), Arc::new(collection));
    }
    Ok(entries)
}

fn create(root: &Path, request: CreateCollection, config: EdgeConfig) -> Result<Collection, Failure> {
    let name = &request.collection_name;
    let failed =
        |error: std::io::Error| Failure::Internal(format!("failed to create collection {name}: {error}"));
    let passing = passing(root, name).map_err(failed)?;
    fs::create_dir_all(passing.join("shard")).map_err(failed)?;
    fs::write(passing.join("request"), request.encode_to_vec()).map_err(failed)?;
    Shard::create(name, &passing.join("shard"), config.clone())?;
    let folder = root.join("collections").join(name);
    fs::rename(&passing, &folder).map_err(failed)?;
    let shard = Arc::new(Shard::open(name, &folder.join("shard"))?);
    Ok(Collection { request, config, shard })
}

fn delete(root: &Path, name: &str) -> std::io::Result<()> {
    let passing = passing(root, name)?;
    fs::rename(root.join("collections").join(name), &passing)?;
    fs::remove_dir_all(passing)
}

/// Where the collection stays while it is neither there nor gone, cleared of what an earlier failure left.
fn passing(root: &Path, name: &str) -> std::io::Result<PathBuf> {
    let passing = root.join("passing").join(name);
    if passing.exists() {
        fs::remove_dir_all(&passing)?;
    }
    Ok(passing)
}
