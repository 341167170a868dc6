//! The collections of all embedding models, and which of them is answered from: the one that the alias, their common prefix,
//! stands for. Changing the alias is one step for everybody who reads.

use qdrant_client::qdrant::CreateAliasBuilder;
use uuid::Uuid;

use super::{IndexError, PassageIndex, collection_name};
use crate::embed::Embedder;
use crate::vocabulary::DocumentId;

/// The collections of one installation.
#[derive(Clone)]
pub struct Collections {
    index: PassageIndex,
    prefix: String,
}

impl Collections {
    /// The collections whose names begin with this prefix, in the Qdrant of this index.
    pub fn new(index: &PassageIndex, prefix: &str) -> Self {
        Self { index: index.at(prefix.to_owned(), 0), prefix: prefix.to_owned() }
    }

    /// Whichever collection is answered from, for reading by place.
    pub fn answered_from(&self) -> PassageIndex {
        self.index.clone()
    }

    /// The collection of a model, whether or not it is there.
    pub fn of(&self, embedder: &Embedder) -> PassageIndex {
        let (name, dimensions) = (embedder.name(), embedder.dimensions());
        self.index.at(collection_name(&self.prefix, name, dimensions), dimensions)
    }

    /// The name of the collection that is answered from; none before the first.
    pub async fn active(&self) -> Result<Option<String>, IndexError> {
        let answer = self.index.within(self.index.client.list_aliases()).await?;
        let ours = answer.aliases.into_iter().find(|alias| alias.alias_name == self.prefix);
        Ok(ours.map(|alias| alias.collection_name))
    }

    /// Answers come from this collection from now on.
    pub async fn activate(&self, collection: &str) -> Result<(), IndexError> {
        let alias = CreateAliasBuilder::new(collection, &self.prefix);
        self.index.within(self.index.client.create_alias(alias)).await.map(drop)
    }

    /// The names of all of them.
    pub async fn names(&self) -> Result<Vec<String>, IndexError> {
        let answer = self.index.within(self.index.client.list_collections()).await?;
        let begins = format!("{}_", self.prefix);
        let names = answer.collections.into_iter().map(|collection| collection.name);
        Ok(names.filter(|name| name.starts_with(&begins)).collect())
    }

    /// Deletes a collection.
    pub async fn delete(&self, collection: &str) -> Result<(), IndexError> {
        self.index.within(self.index.client.delete_collection(collection)).await.map(drop)
    }

    /// Removes all passages of a document, whoever embedded them; says how many are left, by counting.
    pub async fn delete_document(&self, document_id: DocumentId) -> Result<u64, IndexError> {
        let mut left = 0;
        for name in self.names().await? {
            let index = self.index.at(name, 0);
            index.delete_document(document_id).await?;
            left += index.count(Some(document_id)).await?;
        }
        Ok(left)
    }

    /// Removes all passages of one owner; says how many are left, by counting.
    pub async fn delete_owner(&self, owner: Uuid) -> Result<u64, IndexError> {
        let mut left = 0;
        for name in self.names().await? {
            let index = self.index.at(name, 0);
            index.delete_owner(owner).await?;
            left += index.count_of_owner(owner).await?;
        }
        Ok(left)
    }
}
