//! The calls about points. Which call is answered by what; the work is in [`changing`] and [`reading`].

mod changing;
mod reading;

use std::sync::Arc;

use qdrant_client::qdrant::points_server::Points;
use qdrant_client::qdrant::{self as grpc};
use tonic::{Request, Response, Status};

use crate::catalog::Catalog;
use crate::failure::Failure;

/// Answers the calls about points.
pub(crate) struct PointsService {
    catalog: Arc<Catalog>,
}

impl PointsService {
    /// For the collections of `catalog`.
    pub(crate) fn new(catalog: Arc<Catalog>) -> Self {
        Self { catalog }
    }
}

type Answer<T> = Result<Response<T>, Status>;

fn not_offered<T>(what: &'static str) -> Answer<T> {
    Err(Failure::NotOffered(what).into())
}

#[tonic::async_trait]
impl Points for PointsService {
    async fn upsert(&self, request: Request<grpc::UpsertPoints>) -> Answer<grpc::PointsOperationResponse> {
        changing::upsert(&self.catalog, request.into_inner()).await
    }

    async fn delete(&self, request: Request<grpc::DeletePoints>) -> Answer<grpc::PointsOperationResponse> {
        changing::delete(&self.catalog, request.into_inner()).await
    }

    async fn set_payload(
        &self,
        request: Request<grpc::SetPayloadPoints>,
    ) -> Answer<grpc::PointsOperationResponse> {
        changing::set_payload(&self.catalog, request.into_inner()).await
    }

    async fn overwrite_payload(
        &self,
        request: Request<grpc::SetPayloadPoints>,
    ) -> Answer<grpc::PointsOperationResponse> {
        changing::overwrite_payload(&self.catalog, request.into_inner()).await
    }

    async fn delete_payload(
        &self,
        request: Request<grpc::DeletePayloadPoints>,
    ) -> Answer<grpc::PointsOperationResponse> {
        changing::delete_payload(&self.catalog, request.into_inner()).await
    }

    async fn clear_payload(
        &self,
        request: Request<grpc::ClearPayloadPoints>,
    ) -> Answer<grpc::PointsOperationResponse> {
        changing::clear_payload(&self.catalog, request.into_inner()).await
    }

    async fn create_field_index(
        &self,
        request: Request<grpc::CreateFieldIndexCollection>,
    ) -> Answer<grpc::PointsOperationResponse> {
        changing::create_field_index(&self.catalog, request.into_inner()).await
    }

    async fn delete_field_index(
        &self,
        request: Request<grpc::DeleteFieldIndexCollection>,
    ) -> Answer<grpc::PointsOperationResponse> {
        changing::delete_field_index(&self.catalog, request.into_inner()).await
    }

    async fn get(&self, request: Request<grpc::GetPoints>) -> Answer<grpc::GetResponse> {
        reading::get(&self.catalog, request.into_inner()).await
    }

    async fn scroll(&self, request: Request<grpc::ScrollPoints>) -> Answer<grpc::ScrollResponse> {
        reading::scroll(&self.catalog, request.into_inner()).await
    }

    async fn count(&self, request: Request<grpc::CountPoints>) -> Answer<grpc::CountResponse> {
        reading::count(&self.catalog, request.into_inner()).await
    }

    async fn query(&self, request: Request<grpc::QueryPoints>) -> Answer<grpc::QueryResponse> {
        reading::query(&self.catalog, request.into_inner()).await
    }

    async fn query_batch(
        &self,
        request: Request<grpc::QueryBatchPoints>,
    ) -> Answer<grpc::QueryBatchResponse> {
        reading::query_batch(&self.catalog, request.into_inner()).await
    }

    async fn update_vectors(
        &self,
        _: Request<grpc::UpdatePointVectors>,
    ) -> Answer<grpc::PointsOperationResponse> {
        not_offered("updating vectors alone")
    }

    async fn delete_vectors(
        &self,
        _: Request<grpc::DeletePointVectors>,
    ) -> Answer<grpc::PointsOperationResponse> {
        not_offered("deleting vectors alone")
    }

    async fn create_vector_name(
        &self,
        _: Request<grpc::CreateVectorNameRequest>,
    ) -> Answer<grpc::PointsOperationResponse> {
        not_offered("adding a named vector")
    }

    async fn delete_vector_name(
        &self,
        _: Request<grpc::DeleteVectorNameRequest>,
    ) -> Answer<grpc::PointsOperationResponse> {
        not_offered("removing a named vector")
    }

    async fn update_batch(&self, _: Request<grpc::UpdateBatchPoints>) -> Answer<grpc::UpdateBatchResponse> {
        not_offered("a batch of changes")
    }

    async fn query_groups(&self, _: Request<grpc::QueryPointGroups>) -> Answer<grpc::QueryGroupsResponse> {
        not_offered("a grouped query")
    }

    async fn facet(&self, _: Request<grpc::FacetCounts>) -> Answer<grpc::FacetResponse> {
        not_offered("faceting")
    }

    async fn search(&self, _: Request<grpc::SearchPoints>) -> Answer<grpc::SearchResponse> {
        not_offered("search, which query replaces,")
    }

    async fn search_batch(&self, _: Request<grpc::SearchBatchPoints>) -> Answer<grpc::SearchBatchResponse> {
        not_offered("search, which query replaces,")
    }

    async fn search_groups(&self, _: Request<grpc::SearchPointGroups>) -> Answer<grpc::SearchGroupsResponse> {
        not_offered("search, which query replaces,")
    }

    async fn recommend(&self, _: Request<grpc::RecommendPoints>) -> Answer<grpc::RecommendResponse> {
        not_offered("recommendation")
    }

    async fn recommend_batch(
        &self,
        _: Request<grpc::RecommendBatchPoints>,
    ) -> Answer<grpc::RecommendBatchResponse> {
        not_offered("recommendation")
    }

    async fn recommend_groups(
        &self,
        _: Request<grpc::RecommendPointGroups>,
    ) -> Answer<grpc::RecommendGroupsResponse> {
        not_offered("recommendation")
    }

    async fn discover(&self, _: Request<grpc::DiscoverPoints>) -> Answer<grpc::DiscoverResponse> {
        not_offered("discovery")
    }

    async fn discover_batch(
        &self,
        _: Request<grpc::DiscoverBatchPoints>,
    ) -> Answer<grpc::DiscoverBatchResponse> {
        not_offered("discovery")
    }

    async fn search_matrix_pairs(
        &self,
        _: Request<grpc::SearchMatrixPoints>,
    ) -> Answer<grpc::SearchMatrixPairsResponse> {
        not_offered("a distance matrix")
    }

    async fn search_matrix_offsets(
        &self,
        _: Request<grpc::SearchMatrixPoints>,
    ) -> Answer<grpc::SearchMatrixOffsetsResponse> {
        not_offered("a distance matrix")
    }
}
