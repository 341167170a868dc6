"""The calls about collections and aliases. Each only translates between messages and the catalog."""

from __future__ import annotations

from grpc import ServicerContext

from . import settings
from .catalog import Catalog
from .protocol import qdrant


class CollectionCalls(qdrant.CollectionsServicer):
    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    def Get(self, request: qdrant.GetCollectionInfoRequest, _: ServicerContext) -> qdrant.GetCollectionInfoResponse:
        collection = self._catalog.get(request.collection_name)
        now = collection.shard.read(lambda engine: engine.info())
        return qdrant.GetCollectionInfoResponse(result=settings.description(collection.request, now))

    def List(self, _: qdrant.ListCollectionsRequest, __: ServicerContext) -> qdrant.ListCollectionsResponse:
        described = [qdrant.CollectionDescription(name=name) for name in self._catalog.names()]
        return qdrant.ListCollectionsResponse(collections=described)

    def Create(self, request: qdrant.CreateCollection, _: ServicerContext) -> qdrant.CollectionOperationResponse:
        self._catalog.create(request)
        return qdrant.CollectionOperationResponse(result=True)

    def Delete(self, request: qdrant.DeleteCollection, _: ServicerContext) -> qdrant.CollectionOperationResponse:
        existed = self._catalog.delete(request.collection_name)
        return qdrant.CollectionOperationResponse(result=existed)

    def CollectionExists(
        self, request: qdrant.CollectionExistsRequest, _: ServicerContext
    ) -> qdrant.CollectionExistsResponse:
        exists = self._catalog.exists(request.collection_name)
        return qdrant.CollectionExistsResponse(result=qdrant.CollectionExists(exists=exists))

    def UpdateAliases(self, request: qdrant.ChangeAliases, _: ServicerContext) -> qdrant.CollectionOperationResponse:
        self._catalog.change_aliases(request.actions)
        return qdrant.CollectionOperationResponse(result=True)

    def ListCollectionAliases(
        self, request: qdrant.ListCollectionAliasesRequest, _: ServicerContext
    ) -> qdrant.ListAliasesResponse:
        self._catalog.get(request.collection_name)
        return self._aliases(request.collection_name)

    def ListAliases(self, _: qdrant.ListAliasesRequest, __: ServicerContext) -> qdrant.ListAliasesResponse:
        return self._aliases(None)

    def _aliases(self, collection: str | None) -> qdrant.ListAliasesResponse:
        """The aliases of `collection`; all aliases for `None`."""
        described = [
            qdrant.AliasDescription(alias_name=alias, collection_name=target)
            for alias, target in self._catalog.aliases()
            if collection in (None, target)
        ]
        return qdrant.ListAliasesResponse(aliases=described)
