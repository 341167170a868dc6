"""The common part of all calls: measures the time, converts failures to status codes, checks the API key, refuses
calls that are not offered."""

from __future__ import annotations

import hmac
import logging
import time
from collections.abc import Callable
from typing import Any

import grpc

from .failures import Failure, Internal, NotOffered, Unauthenticated

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

# The call that needs no API key.
OPEN = "/qdrant.Qdrant/HealthCheck"

Behaviour = Callable[[Any, grpc.ServicerContext], Any]


class Interception(grpc.ServerInterceptor):
    def __init__(self, api_key: str | None) -> None:
        """`api_key` is required of every call but the health check; `None` for none."""
        self._api_key = api_key

    def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Any],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Any:
        handler = continuation(handler_call_details)
        if handler is None:
            return None
        behaviour = handler.unary_unary
        function = NOT_OFFERED.get(handler_call_details.method)
        if function is not None:
            behaviour = refusing(NotOffered(function))
        if self._api_key is not None and handler_call_details.method != OPEN:
            given = key_of(handler_call_details.invocation_metadata)
            if given is None:
                behaviour = refusing(Unauthenticated("Must provide an API key or an Authorization bearer token"))
            elif not hmac.compare_digest(given.encode(), self._api_key.encode()):
                behaviour = refusing(Unauthenticated("Invalid API key or JWT"))
        return grpc.unary_unary_rpc_method_handler(
            answering(behaviour),
            request_deserializer=handler.request_deserializer,
            response_serializer=handler.response_serializer,
        )


def key_of(metadata: Any) -> str | None:
    """The API key in the headers of a call."""
    headers = dict(metadata or ())
    bearer = headers.get("authorization", "")
    return headers.get("api-key", bearer.removeprefix("Bearer ") if bearer.startswith("Bearer ") else None)


def refusing(failure: Failure) -> Behaviour:
    def refuse(_: Any, __: grpc.ServicerContext) -> Any:
        raise failure

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
