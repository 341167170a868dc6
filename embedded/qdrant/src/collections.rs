//! The calls about collections as wholes. Each only translates between messages and the [`Catalog`].

use std::sync::Arc;
use std::time::Instant;

use qdrant_client::qdrant::alias_operations::Action;
use qdrant_client::qdrant::collections_server::Collections;
use qdrant_client::qdrant::{
    AliasDescription, ChangeAliases, CollectionClusterInfoRequest, CollectionClusterInfoResponse,
    CollectionDescription, CollectionExists, CollectionExistsRequest, CollectionExistsResponse,
    CollectionOperationResponse, CreateCollection, CreateShardKeyRequest, CreateShardKeyResponse,
    DeleteCollection, DeleteShardKeyRequest, DeleteShardKeyResponse, GetCollectionInfoRequest,
    GetCollectionInfoResponse, ListAliasesRequest, ListAliasesResponse, ListCollectionAliasesRequest,
    ListCollectionsRequest, ListCollectionsResponse, ListShardKeysRequest, ListShardKeysResponse,
    UpdateCollection, UpdateCollectionClusterSetupRequest, UpdateCollectionClusterSetupResponse,
};
use tonic::{Request, Response, Status};

use crate::catalog::{AliasChange, Catalog};
use crate::convert::params;
use crate::failure::Failure;

/// Answers the calls about collections.
pub(crate) struct CollectionsService {
    catalog: Arc<Catalog>,
}

impl CollectionsService {
    /// For the collections of `catalog`.
    pub(crate) fn new(catalog: Arc<Catalog>) -> Self {
        Self { catalog }
    }

    async fn list_aliases(&self, of: Option<&str>, started: Instant) -> Response<ListAliasesResponse> {
        let aliases = self.catalog.aliases().await.into_iter();
        Response::new(ListAliasesResponse {
            aliases: aliases
                .filter(|(_, collection)| of.is_none_or(|of| of == collection))
                .map(|(alias_name, collection_name)| AliasDescription { alias_name, collection_name })
                .collect(),
            time: started.elapsed().as_secs_f64(),
        })
    }
}

fn done(result: bool, started: Instant) -> Response<CollectionOperationResponse> {
    Response::new(CollectionOperationResponse { result, time: started.elapsed().as_secs_f64() })
}

fn alias_change(action: Option<Action>) -> Result<AliasChange, Failure> {
    Ok(match action {
        Some(Action::CreateAlias(create)) => {
            AliasChange::Set { alias: create.alias_name, collection: create.collection_name }
        }
        Some(Action::RenameAlias(rename)) => {
            AliasChange::Rename { from: rename.old_alias_name, to: rename.new_alias_name }
        }
        Some(Action::DeleteAlias(delete)) => AliasChange::Remove { alias: delete.alias_name },
        None => return Err(Failure::Malformed("Malformed AliasOperation type".to_owned())),
    })
}

#[tonic::async_trait]
impl Collections for CollectionsService {
    async fn get(
        &self,
        request: Request<GetCollectionInfoRequest>,
    ) -> Result<Response<GetCollectionInfoResponse>, Status> {
        let started = Instant::now();
        let collection = self.catalog.get(&request.into_inner().collection_name).await?;
        let now = collection.shard.read(|engine| Ok(engine.info())).await?;
        Ok(Response::new(GetCollectionInfoResponse {
            result: Some(params::description(collection.request.clone(), now)),
            time: started.elapsed().as_secs_f64(),
        }))
    }

    async fn list(
        &self,
        _: Request<ListCollectionsRequest>,
    ) -> Result<Response<ListCollectionsResponse>, Status> {
        let started = Instant::now();
        let names = self.catalog.names().await;
        Ok(Response::new(ListCollectionsResponse {
            collections: names.into_iter().map(|name| CollectionDescription { name }).collect(),
            time: started.elapsed().as_secs_f64(),
        }))
    }

    async fn create(
        &self,
        request: Request<CreateCollection>,
    ) -> Result<Response<CollectionOperationResponse>, Status> {
        let started = Instant::now();
        self.catalog.create(request.into_inner()).await?;
        Ok(done(true, started))
    }

    async fn delete(
        &self,
        request: Request<DeleteCollection>,
    ) -> Result<Response<CollectionOperationResponse>, Status> {
        let started = Instant::now();
        let existed = self.catalog.delete(&request.into_inner().collection_name).await?;
        Ok(done(existed, started))
    }

    async fn collection_exists(
        &self,
        request: Request<CollectionExistsRequest>,
    ) -> Result<Response<CollectionExistsResponse>, Status> {
        let started = Instant::now();
        let exists = self.catalog.get(&request.into_inner().collection_name).await.is_ok();
        Ok(Response::new(CollectionExistsResponse {
            result: Some(CollectionExists { exists }),
            time: started.elapsed().as_secs_f64(),
        }))
    }

    async fn update_aliases(
        &self,
        request: Request<ChangeAliases>,
    ) -> Result<Response<CollectionOperationResponse>, Status> {
        let started = Instant::now();
        let actions = request.into_inner().actions.into_iter();
        let changes = actions.map(|operation| alias_change(operation.action)).collect::<Result<_, _>>()?;
        self.catalog.change_aliases(changes).await?;
        Ok(done(true, started))
    }

    async fn list_collection_aliases(
        &self,
        request: Request<ListCollectionAliasesRequest>,
    ) -> Result<Response<ListAliasesResponse>, Status> {
        let started = Instant::now();
        let name = request.into_inner().collection_name;
        self.catalog.get(&name).await?;
        Ok(self.list_aliases(Some(&name), started).await)
    }

    async fn list_aliases(
        &self,
        _: Request<ListAliasesRequest>,
    ) -> Result<Response<ListAliasesResponse>, Status> {
        Ok(self.list_aliases(None, Instant::now()).await)
    }

    async fn update(
        &self,
        _: Request<UpdateCollection>,
    ) -> Result<Response<CollectionOperationResponse>, Status> {
        Err(Failure::NotOffered("updating a collection's parameters").into())
    }

    async fn collection_cluster_info(
        &self,
        _: Request<CollectionClusterInfoRequest>,
    ) -> Result<Response<CollectionClusterInfoResponse>, Status> {
        Err(Failure::NotOffered("a cluster").into())
    }

    async fn update_collection_cluster_setup(
        &self,
        _: Request<UpdateCollectionClusterSetupRequest>,
    ) -> Result<Response<UpdateCollectionClusterSetupResponse>, Status> {
        Err(Failure::NotOffered("a cluster").into())
    }

    async fn create_shard_key(
        &self,
        _: Request<CreateShardKeyRequest>,
    ) -> Result<Response<CreateShardKeyResponse>, Status> {
        Err(Failure::NotOffered("custom sharding").into())
    }

    async fn delete_shard_key(
        &self,
        _: Request<DeleteShardKeyRequest>,
    ) -> Result<Response<DeleteShardKeyResponse>, Status> {
        Err(Failure::NotOffered("custom sharding").into())
    }

    async fn list_shard_keys(
        &self,
        _: Request<ListShardKeysRequest>,
    ) -> Result<Response<ListShardKeysResponse>, Status> {
        Err(Failure::NotOffered("custom sharding").into())
    }
}
