"""The Qdrant engine behind Qdrant's gRPC, for development and tests: `python -m qdrant --data <folder>`.

Reads the command line and starts the server. The modules `collection_calls` and `point_calls` implement the
calls, `catalog` and `shard` keep the data.
"""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
from pathlib import Path

# Child processes do not use gRPC, so gRPC needs no preparation for a fork.
os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")

from .catalog import Catalog, Unusable  # noqa: E402
from .server import Access, NoListener, serve


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="qdrant", description="The Qdrant engine behind Qdrant's gRPC.")
    parser.add_argument("--data", type=Path, required=True, help="folder of the collections; created if missing")
    parser.add_argument("--listen", default="127.0.0.1:6334", help="address; port 0 takes a free one and prints it")
    parser.add_argument("--tls-certificate", type=Path, help="PEM file with the certificate; without it, no TLS")
    parser.add_argument("--tls-key", type=Path, help="PEM file with the certificate's private key")
    parser.add_argument("--tend-every", type=float, default=5.0, metavar="SECONDS", help="pause between maintenance runs")
    parser.add_argument("--log", default="info", help="lowest level of messages on standard error")
    return parser.parse_args()


def access(options: argparse.Namespace) -> Access:
    tls = None
    if options.tls_certificate is not None and options.tls_key is not None:
        tls = (options.tls_certificate.read_bytes(), options.tls_key.read_bytes())
    # As the Qdrant server names it; not on the command line, which other users can see.
    return Access(options.listen, os.environ.get("QDRANT__SERVICE__API_KEY") or None, tls)


def main() -> int:
    options = arguments()
    logging.basicConfig(level=options.log.upper(), format="%(asctime)s %(levelname)s %(message)s")
    ending = {signal.SIGTERM, signal.SIGINT}
    # Blocked before any thread starts: threads inherit the mask, and only `sigwait` receives the signals.
    signal.pthread_sigmask(signal.SIG_BLOCK, ending)
    try:
        catalog = Catalog(options.data)
        try:
            serve(access(options), catalog, lambda: signal.sigwait(ending), options.tend_every)
        finally:
            catalog.close()
    except (Unusable, NoListener) as error:
        print(f"qdrant: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
