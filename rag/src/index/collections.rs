//! The collections of all embedding models. An alias with the name of their common prefix points to the
//! active collection, from which answers are written. Moving the alias is atomic for all readers.

use qdrant_client::qdrant::alias_operations::Action;
use qdrant_client::qdrant::{
    AliasOperations, ChangeAliases, CreateAlias, DeleteCollection, ListAliasesRequest, ListCollectionsRequest,
};
use uuid::Uuid;

use super::config::{collection_name, versioned_name};
use super::connection::CollectionCalls;
use super::{IndexError, PassageIndex};
use crate::embed::Embedder;
use crate::sparse::TERMS_VERSION;
use crate::vocabulary::DocumentId;

/// The collections of one installation.
#[derive(Clone)]
pub struct Collections {
    index: PassageIndex,
    prefix: String,
}

impl Collections {
    /// Manages the collections with this name prefix in the index's Qdrant.
    pub fn new(index: &PassageIndex, prefix: &str) -> Self {
        Self { index: index.with_collection(prefix.to_owned(), 0), prefix: prefix.to_owned() }
    }

    /// Returns the active collection by its alias, for reads by id.
    pub fn active_index(&self) -> PassageIndex {
        self.index.clone()
    }

    /// Returns the collection of a model, which need not exist.
    pub fn for_model(&self, embedder: &Embedder) -> PassageIndex {
        let (name, dimensions) = (embedder.name(), embedder.dimensions());
        self.index.with_collection(versioned_name(&self.prefix, name, dimensions), dimensions)
    }

    /// Returns the model's collection with this name, which an earlier release may have written; `None` if
    /// the name is that of another model.
    pub fn named(&self, collection: &str, embedder: &Embedder) -> Option<PassageIndex> {
        let (name, dimensions) = (embedder.name(), embedder.dimensions());
        let first = collection_name(&self.prefix, name, dimensions);
        let is_of_model = collection == first
            || collection
                .strip_prefix(&format!("{first}_t"))
                .is_some_and(|version| !version.is_empty() && version.bytes().all(|b| b.is_ascii_digit()));
        is_of_model.then(|| self.index.with_collection(collection.to_owned(), dimensions))
    }

    /// Whether a collection was written with the terms of another release, so that searches find less in it.
    pub fn has_other_terms(collection: &str) -> bool {
        !collection.ends_with(&format!("_t{TERMS_VERSION}"))
    }

    /// Returns the name of the active collection; `None` before the first activation.
    pub async fn active(&self) -> Result<Option<String>, IndexError> {
        let list = |mut calls: CollectionCalls, request: ListAliasesRequest| async move {
            calls.list_aliases(request).await
        };
        let answer = self.index.connection.collections(ListAliasesRequest {}, list).await?;
        let alias = answer.aliases.into_iter().find(|alias| alias.alias_name == self.prefix);
        Ok(alias.map(|alias| alias.collection_name))
    }

    /// Makes a collection the active one.
    pub async fn activate(&self, collection: &str) -> Result<(), IndexError> {
        let alias = CreateAlias { collection_name: collection.to_owned(), alias_name: self.prefix.clone() };
        let actions = vec![AliasOperations { action: Some(Action::CreateAlias(alias)) }];
        let change = |mut calls: CollectionCalls, request: ChangeAliases| async move {
            calls.update_aliases(request).await
        };
        self.index.connection.collections(ChangeAliases { actions, timeout: None }, change).await.map(drop)
    }

    /// Returns the names of all collections of the installation.
    pub async fn names(&self) -> Result<Vec<String>, IndexError> {
        let list = |mut calls: CollectionCalls, request: ListCollectionsRequest| async move {
            calls.list(request).await
        };
        let answer = self.index.connection.collections(ListCollectionsRequest {}, list).await?;
        let prefix = format!("{}_", self.prefix);
        let names = answer.collections.into_iter().map(|collection| collection.name);
        Ok(names.filter(|name| name.starts_with(&prefix)).collect())
    }

    /// Creates the payload indexes that collections of earlier releases lack, in all collections
    /// of the installation.
    pub async fn ensure_payload_indexes(&self) -> Result<(), IndexError> {
        for name in self.names().await? {
            self.index.with_collection(name, 0).ensure_payload_indexes().await?;
        }
        Ok(())
    }

    /// Deletes a collection.
    pub async fn delete(&self, collection: &str) -> Result<(), IndexError> {
        let request = DeleteCollection { collection_name: collection.to_owned(), timeout: None };
        let delete = |mut calls: CollectionCalls, request: DeleteCollection| async move {
            calls.delete(request).await
        };
        self.index.connection.collections(request, delete).await.map(drop)
    }

    /// Deletes the passages of a document from all collections. Returns the number of passages that a count
    /// still finds.
    pub async fn delete_document(&self, document_id: DocumentId) -> Result<u64, IndexError> {
        let mut remaining = 0;
        for name in self.names().await? {
            let index = self.index.with_collection(name, 0);
            index.delete_document(document_id).await?;
            remaining += index.count(Some(document_id)).await?;
        }
        Ok(remaining)
    }

    /// Deletes the passages of an owner from all collections. Returns the number of passages that a count
    /// still finds.
    pub async fn delete_owner(&self, owner: Uuid) -> Result<u64, IndexError> {
        let mut remaining = 0;
        for name in self.names().await? {
            let index = self.index.with_collection(name, 0);
            index.delete_owner(owner).await?;
            remaining += index.count_owner(owner).await?;
        }
        Ok(remaining)
    }
}
