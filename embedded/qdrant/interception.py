"""The common part of all calls: measures the time, converts failures to status codes, refuses calls that are
not offered."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any

import grpc

from .failures import Failure, Internal, NotOffered

LOG = logging.getLogger(__name__)

NOT_OFFERED = {
    "/qdrant.Collections/Update": "updating a collection's parameters",
    "/qdrant.Collections/CollectionClusterInfo": "a cluster",
    "/qdrant.Collections/UpdateCollectionClusterSetup": "a cluster",
    "/qdrant.Collections/CreateShardKey": "custom sharding",
    "/qdrant.Collections/DeleteShardKey": "custom sharding",
    "/qdrant.Collections/ListShardKeys": "custom sharding",
    "/qdrant.Points/UpdateVectors": "updating vectors alone",
    "/qdrant.Points/DeleteVectors": "deleting vectors alone",
    "/qdrant.Points/CreateVectorName": "adding a named vector",
    "/qdrant.Points/DeleteVectorName": "removing a named vector",
    "/qdrant.Points/UpdateBatch": "a batch of changes",
    "/qdrant.Points/QueryGroups": "a grouped query",
    "/qdrant.Points/Facet": "faceting",
    "/qdrant.Points/Search": "search, which query replaces,",
    "/qdrant.Points/SearchBatch": "search, which query replaces,",
    "/qdrant.Points/SearchGroups": "search, which query replaces,",
    "/qdrant.Points/Recommend": "recommendation",
    "/qdrant.Points/RecommendBatch": "recommendation",
    "/qdrant.Points/RecommendGroups": "recommendation",
    "/qdrant.Points/Discover": "discovery",
    "/qdrant.Points/DiscoverBatch": "discovery",
    "/qdrant.Points/SearchMatrixPairs": "a distance matrix",
    "/qdrant.Points/SearchMatrixOffsets": "a distance matrix",
}

Behaviour = Callable[[Any, grpc.ServicerContext], Any]


class Interception(grpc.ServerInterceptor):
    def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Any],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Any:
        handler = continuation(handler_call_details)
        if handler is None:
            return None
        function = NOT_OFFERED.get(handler_call_details.method)
        return grpc.unary_unary_rpc_method_handler(
            answering(handler.unary_unary) if function is None else answering(refusing(function)),
            request_deserializer=handler.request_deserializer,
            response_serializer=handler.response_serializer,
        )


def refusing(function: str) -> Behaviour:
    def refuse(_: Any, __: grpc.ServicerContext) -> Any:
        raise NotOffered(function)

    return refuse


def answering(behaviour: Behaviour) -> Behaviour:
    def answer(request: Any, context: grpc.ServicerContext) -> Any:
        started = time.perf_counter()
        try:
            response = behaviour(request, context)
        except Failure as error:
            failure = error
        # A panic of the engine is not a subclass of `Exception`.
        except BaseException as error:
            LOG.exception("a call failed")
            failure = Internal(f"the engine failed: {error}")
        else:
            if "time" in response.DESCRIPTOR.fields_by_name:
                response.time = time.perf_counter() - started
            return response
        return context.abort(failure.code, str(failure))

    return answer
