"""Qdrant's gRPC messages and servicers: generated code in the wheel `qdrant-client`, imported as `qdrant`.

The import of `qdrant_client` also loads the client with numpy, pydantic and httpx: one second at each start,
and 85 MB of packages that this server does not use. Therefore the package is registered without running its
`__init__`, and only the subpackage `grpc` is imported, which needs `grpcio` and `protobuf` alone.
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
