"""The calls about points, payloads and payload indexes. Each only translates between messages and the engine.

Without `wait`, the Qdrant server answers before it applies a change, so it acknowledges and then drops a
change that does not fit the collection. This server applies the change first, and gives the same answers.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import qdrant_edge as engine
from grpc import ServicerContext

from . import changes, indexes, strict_mode
from .catalog import Catalog, Collection
from .failures import MissingPoint, WrongInput, out_of_bounds
from .filters import optional_filter
from .ids import id_message, point_id, point_ids
from .payloads import with_payload, write_payload
from .protocol import qdrant
from .queries import QueryReader, order_by
from .vectors import with_vectors, write_vectors

LOG = logging.getLogger(__name__)

Operation = Callable[[Collection], engine.UpdateOperation]
Changed = qdrant.PointsOperationResponse


class PointCalls(qdrant.PointsServicer):
    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    def Upsert(self, request: qdrant.UpsertPoints, _: ServicerContext) -> Changed:
        return self._change(request, lambda collection: changes.upsert(request, collection.vectors))

    def Delete(self, request: qdrant.DeletePoints, _: ServicerContext) -> Changed:
        return self._change(request, lambda _: changes.delete(request))

    def SetPayload(self, request: qdrant.SetPayloadPoints, _: ServicerContext) -> Changed:
        return self._change(request, lambda _: changes.set_payload(request))

    def OverwritePayload(self, request: qdrant.SetPayloadPoints, _: ServicerContext) -> Changed:
        return self._change(request, lambda _: changes.overwrite_payload(request))

    def DeletePayload(self, request: qdrant.DeletePayloadPoints, _: ServicerContext) -> Changed:
        return self._change(request, lambda _: changes.delete_payload(request))

    def ClearPayload(self, request: qdrant.ClearPayloadPoints, _: ServicerContext) -> Changed:
        return self._change(request, lambda _: changes.clear_payload(request))

    def CreateFieldIndex(self, request: qdrant.CreateFieldIndexCollection, _: ServicerContext) -> Changed:
        return self._change_index(request, lambda _: indexes.creation(request))

    def DeleteFieldIndex(self, request: qdrant.DeleteFieldIndexCollection, _: ServicerContext) -> Changed:
        return self._change_index(request, lambda _: changes.delete_index(request))

    def Get(self, request: qdrant.GetPoints, _: ServicerContext) -> qdrant.GetResponse:
        collection = self._collection(request)
        ids, payload = point_ids(request.ids), with_payload(request.with_payload, default=True)
        vectors = with_vectors(request.with_vectors)
        records = collection.shard.read(lambda engine: engine.retrieve(ids, payload, vectors))
        response = qdrant.GetResponse()
        for record in records:
            write_content(response.result.add(), record)
        return response

    def Scroll(self, request: qdrant.ScrollPoints, _: ServicerContext) -> qdrant.ScrollResponse:
        collection = self._collection(request)
        if request.HasField("limit") and request.limit == 0:
            raise out_of_bounds("limit", "value 0 invalid, must be 1 or larger")
        scroll = engine.ScrollRequest(
            offset=point_id(request.offset) if request.HasField("offset") else None,
            limit=request.limit if request.HasField("limit") else None,
            filter=optional_filter(request),
            with_payload=with_payload(request.with_payload, default=True),
            with_vector=with_vectors(request.with_vectors),
            order_by=order_by(request.order_by) if request.HasField("order_by") else None,
        )
        records, following = collection.shard.read(lambda engine: engine.scroll(scroll))
        response = qdrant.ScrollResponse()
        if following is not None:
            response.next_page_offset.CopyFrom(id_message(following))
        for record in records:
            write_content(response.result.add(), record)
        return response

    def Count(self, request: qdrant.CountPoints, _: ServicerContext) -> qdrant.CountResponse:
        collection = self._collection(request)
        exact = request.exact if request.HasField("exact") else True
        asked = engine.CountRequest(exact=exact, filter=optional_filter(request))
        found = collection.shard.read(lambda engine: engine.count(asked))
        return qdrant.CountResponse(result=qdrant.CountResult(count=found))

    def Query(self, request: qdrant.QueryPoints, _: ServicerContext) -> qdrant.QueryResponse:
        collection = self._collection(request)
        found = collection.shard.read(lambda engine: find(engine, collection, request))
        response = qdrant.QueryResponse()
        for point in found:
            write_scored(response.result.add(), point)
        return response

    def QueryBatch(self, request: qdrant.QueryBatchPoints, _: ServicerContext) -> qdrant.QueryBatchResponse:
        collection = self._collection(request)
        found = collection.shard.read(
            lambda engine: [find(engine, collection, query) for query in request.query_points]
        )
        response = qdrant.QueryBatchResponse()
        for points in found:
            result = response.result.add()
            for point in points:
                write_scored(result.result.add(), point)
        return response

    def _collection(self, request: Any) -> Collection:
        """The collection of a request, whose filters strict mode permits."""
        collection = self._catalog.get(request.collection_name)
        strict_mode.check(request, collection.shard.indexed())
        return collection

    def _change_index(self, request: Any, operation: Operation) -> Changed:
        changed = self._change(request, operation)
        self._catalog.get(request.collection_name).shard.forget_indexed()
        return changed

    def _change(self, request: Any, operation: Operation) -> Changed:
        collection = self._collection(request)
        result = qdrant.UpdateResult(
            status=qdrant.UpdateStatus.Completed if request.wait else qdrant.UpdateStatus.Acknowledged
        )
        try:
            result.operation_id = collection.shard.write(operation(collection))
        except (WrongInput, MissingPoint) as failure:
            if request.wait:
                raise
            LOG.warning("a change without `wait` is dropped: %s", failure)
        return Changed(result=result)


def find(shard: engine.EdgeShard, collection: Collection, message: qdrant.QueryPoints) -> list[engine.ScoredPoint]:
    return shard.query(QueryReader(shard, collection.vectors).request(message))


def write_scored(message: qdrant.ScoredPoint, point: engine.ScoredPoint) -> None:
    message.score, message.version = point.score, point.version
    write_content(message, point)


def write_content(
    message: qdrant.ScoredPoint | qdrant.RetrievedPoint, point: engine.ScoredPoint | engine.Record
) -> None:
    """Writes into the message of the answer. A message that is made apart is copied into each message around
    it, and so are its vectors, which took most of the time of a search."""
    message.id.CopyFrom(id_message(point.id))
    write_payload(message.payload, point.payload)
    stored: Any = point.vector
    if stored is not None:
        write_vectors(message.vectors, stored)
    order = order_value(point.order_value)
    if order is not None:
        message.order_value.CopyFrom(order)


def order_value(value: float | None) -> qdrant.OrderValue | None:
    if value is None:
        return None
    return qdrant.OrderValue(int=value) if isinstance(value, int) else qdrant.OrderValue(float=value)
