"""Errors with the texts and status codes of the Qdrant server: clients get the same from both. No other
module chooses a status code."""

from __future__ import annotations

import re

from grpc import StatusCode


class Failure(Exception):
    """A call that was refused or failed."""

    code = StatusCode.INTERNAL


class NotFound(Failure):
    code = StatusCode.NOT_FOUND


class AlreadyExists(Failure):
    code = StatusCode.ALREADY_EXISTS


class InvalidArgument(Failure):
    code = StatusCode.INVALID_ARGUMENT


class Unauthenticated(Failure):
    """The request has no API key, or another one."""

    code = StatusCode.UNAUTHENTICATED


class MissingPoint(NotFound):
    """A point that the request refers to does not exist."""

    def __init__(self, point: str) -> None:
        super().__init__(f"Not found: No point with id {point} found")


class WrongInput(InvalidArgument):
    """The request is well-formed but does not fit the collection."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"Wrong input: {reason}")


class NotOffered(Failure):
    """The Qdrant server has the function, this server does not."""

    code = StatusCode.UNIMPLEMENTED

    def __init__(self, function: str) -> None:
        super().__init__(f"{function} is not available in the embedded Qdrant; set QDRANT_URL to a server for it")


class Internal(Failure):
    """The engine or the disk failed."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"Service internal error: {reason}")


def missing_collection(name: str) -> Failure:
    return NotFound(f"Not found: Collection `{name}` doesn't exist!")


def missing_alias(name: str) -> Failure:
    return NotFound(f"Not found: Alias {name} does not exists!")


def collection_exists(name: str) -> Failure:
    return AlreadyExists(f"Wrong input: Collection `{name}` already exists!")


def bad_request(reason: str) -> Failure:
    """The request contradicts itself."""
    return InvalidArgument(f"Bad request: {reason}")


def malformed(reason: str) -> Failure:
    """The request cannot be read."""
    return InvalidArgument(reason)


def out_of_bounds(field: str, reason: str) -> Failure:
    return InvalidArgument(f"Validation error in body: [{field}: {reason}]")


# The wheel raises plain `Exception`s with the text of the engine's error: only the text tells the kind.
MISSING_POINT = re.compile(r"No point with id (\S+)")
ENGINE_FAILED = re.compile(
    r"(?:Service runtime error|Inconsistent storage|Storage file not found|Out of memory|Operation cancelled"
    r"|Timeout error)\b(?:: )?(.*)",
    re.DOTALL,
)
RENAMED = {
    "Wrong usage of sparse vectors": "Conversion between sparse and regular vectors failed",
    "Wrong usage of multi vectors": "Conversion between multi and regular vectors failed",
}


def of_engine(error: Exception) -> Failure:
    """Converts an exception of the engine."""
    text = str(error)
    if missing := MISSING_POINT.match(text):
        return MissingPoint(missing.group(1))
    if failed := ENGINE_FAILED.match(text):
        return Internal(failed.group(1) if text.startswith(("Service", "Inconsistent")) else text)
    if isinstance(error, (TypeError, ValueError, OverflowError)):
        return malformed(text)
    return WrongInput(RENAMED.get(text, text))
