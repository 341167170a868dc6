"""Serves all calls on one address, and ends in an orderly way."""

from __future__ import annotations

import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import Event, Thread

import grpc

from .catalog import Catalog
from .collection_calls import CollectionCalls
from .interception import Interception
from .point_calls import PointCalls
from .protocol import qdrant

# The version of the Qdrant server with the same behaviour.
VERSION = "1.17.1"
# Concurrent calls; more than processors, because a change waits in its thread for the changes before it.
THREADS = 64
# Time limit for running calls after the signal to end.
GRACE_SECONDS = 1.0
OPTIONS = [
    # Two servers never share a port.
    ("grpc.so_reuseport", 0),
    ("grpc.max_receive_message_length", -1),
    ("grpc.max_send_message_length", -1),
    # Clients may send keep-alive pings as often as they like.
    ("grpc.http2.max_ping_strikes", 0),
]


@dataclass(frozen=True)
class Access:
    """How clients reach the server."""

    # Address and port; port 0 takes a free one.
    address: str
    # The key that calls must have; `None` for none.
    api_key: str | None
    # Certificate and private key in PEM; `None` for no TLS.
    tls: tuple[bytes, bytes] | None


class NoListener(Exception):
    """The address cannot be listened on."""


class Health(qdrant.QdrantServicer):
    def HealthCheck(self, _: qdrant.HealthCheckRequest, __: grpc.ServicerContext) -> qdrant.HealthCheckReply:
        return qdrant.HealthCheckReply(title="qdrant - vector search engine", version=VERSION)


def serve(access: Access, catalog: Catalog, until: Callable[[], object], tend_every: float) -> None:
    """Serves the collections of `catalog` until `until` returns; the catalog is left open."""
    workers = ThreadPoolExecutor(THREADS, thread_name_prefix="call")
    server = grpc.server(workers, interceptors=[Interception(access.api_key)], options=OPTIONS)
    qdrant.add_QdrantServicer_to_server(Health(), server)
    qdrant.add_CollectionsServicer_to_server(CollectionCalls(catalog), server)
    qdrant.add_PointsServicer_to_server(PointCalls(catalog), server)
    port = listen(server, access)
    server.start()
    print(f"listening on {access.address.rpartition(':')[0]}:{port}", flush=True)
    stop = Event()
    tending = Thread(target=tend, args=(catalog, stop, tend_every), name="tending")
    tending.start()
    until()
    stop.set()
    server.stop(GRACE_SECONDS).wait()
    tending.join()


def listen(server: grpc.Server, access: Access) -> int:
    """Binds the address and returns the port; port 0 selects a free one."""
    address = access.address
    host, _, port = address.rpartition(":")
    try:
        # gRPC does not report the reason of a failure, so a plain socket tries first.
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, int(port)))
        if access.tls is None:
            return server.add_insecure_port(address)
        certificate, key = access.tls
        return server.add_secure_port(address, grpc.ssl_server_credentials([(key, certificate)]))
    except (OSError, RuntimeError) as error:
        raise NoListener(f"cannot listen on {address}: {error}") from error


def tend(catalog: Catalog, stop: Event, every: float) -> None:
    while not stop.wait(every):
        catalog.tend()
