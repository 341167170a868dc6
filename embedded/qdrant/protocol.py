"""Qdrant's gRPC messages and servicers: generated code that the `qdrant-client` wheel carries, imported as `qdrant`.

Importing `qdrant_client` loads the client too, with numpy, pydantic and httpx: one second at every start and 85 MB
of packages that this server never uses. The package is therefore registered without running its `__init__`, and only
its subpackage `grpc`, which needs nothing but `grpcio` and `protobuf`, is imported.
"""

from __future__ import annotations

import importlib.util
import sys


def register_without_client(package: str) -> None:
    specification = importlib.util.find_spec(package)
    if specification is None:
        raise ModuleNotFoundError(f"the package {package} is not installed")
    sys.modules.setdefault(package, importlib.util.module_from_spec(specification))


register_without_client("qdrant_client")

from qdrant_client import grpc as qdrant  # noqa: E402

__all__ = ["qdrant"]
