"""Vectors: translation from requests, which have two generations of fields, and to answers; and the check
that a vector fits the collection."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from qdrant_edge import Point, SparseVector

from .failures import NotOffered, WrongInput, malformed
from .ids import PointId, point_id
from .payloads import payload
from .protocol import qdrant

DEFAULT_NAME = ""
MULTIVECTOR = "a multivector"
INFERENCE = "inference"

DenseVector = list[float]
Vector = DenseVector | SparseVector
# The engine returns the vector of a collection with one unnamed vector without a dictionary.
StoredVectors = Mapping[str, Vector] | DenseVector


@dataclass(frozen=True)
class VectorNames:
    """The names of the vectors of a collection; of dense vectors also the dimensions."""

    dense: Mapping[str, int]
    sparse: frozenset[str]

    def check(self, name: str, vector: Vector) -> None:
        """Fails if the collection has no such vector."""
        dimensions = self.dense.get(name)
        if dimensions is None and name not in self.sparse:
            raise WrongInput(f"Not existing vector name error: {name}")
        if isinstance(vector, SparseVector) != (dimensions is None):
            raise WrongInput("Conversion between sparse and regular vectors failed")
        if isinstance(vector, list) and len(vector) != dimensions:
            raise WrongInput(f"Vector dimension error: expected dim: {dimensions}, got {len(vector)}")


def point(message: qdrant.PointStruct, names: VectorNames) -> Point:
    """Converts a point to store and checks that its vectors fit the collection."""
    # The id first: an invalid id is an error even without `wait`.
    identity = point_id(message.id)
    kind = message.vectors.WhichOneof("vectors_options")
    if kind is None:
        raise malformed("Expected some vectors")
    named = {DEFAULT_NAME: message.vectors.vector} if kind == "vector" else message.vectors.vectors.vectors
    stored: dict[str, Any] = {}
    for name, vector in named.items():
        stored[name] = vector_of(vector)
        names.check(name, stored[name])
    return Point(identity, stored, payload(message.payload))


def vector_of(message: qdrant.Vector) -> Vector:
    kind = message.WhichOneof("vector")
    if kind == "dense":
        return list(message.dense.data)
    if kind == "sparse":
        return sparse(message.sparse.indices, message.sparse.values)
    if kind == "multi_dense":
        raise NotOffered(MULTIVECTOR)
    if kind is not None:
        raise NotOffered(INFERENCE)
    # Clients before 1.16 use the older fields.
    if message.HasField("vectors_count"):
        raise NotOffered(MULTIVECTOR)
    if message.HasField("indices"):
        return sparse(message.indices.data, message.data)
    return list(message.data)


def sparse(indices: Sequence[int], values: Sequence[float]) -> SparseVector:
    """Converts a sparse vector. The engine does not check these conditions."""
    if len(indices) != len(values):
        raise WrongInput("invalid sparse vector: values: must be the same length as indices")
    if len(set(indices)) != len(indices):
        raise WrongInput("invalid sparse vector: indices: must be unique")
    return SparseVector(list(indices), list(values))


def query_target(message: qdrant.VectorInput) -> Vector | PointId:
    """The target of a query: a vector, or the id of a point that has the vector."""
    kind = message.WhichOneof("variant")
    if kind == "id":
        return point_id(message.id)
    if kind == "dense":
        return list(message.dense.data)
    if kind == "sparse":
        return sparse(message.sparse.indices, message.sparse.values)
    if kind == "multi_dense":
        raise NotOffered(MULTIVECTOR)
    if kind is None:
        raise malformed("VectorInput variant is missing")
    raise NotOffered(INFERENCE)


def with_vectors(selector: qdrant.WithVectorsSelector) -> bool | list[str]:
    """The requested vectors; none if the request has no selector."""
    if selector.WhichOneof("selector_options") == "include":
        return list(selector.include.names)
    return selector.enable


def write_vectors(message: qdrant.VectorsOutput, stored: StoredVectors) -> None:
    if isinstance(stored, list):
        write_vector(message.vector, stored)
    elif set(stored) == {DEFAULT_NAME}:
        write_vector(message.vector, stored[DEFAULT_NAME])
    else:
        message.vectors.SetInParent()
        for name, vector in stored.items():
            write_vector(message.vectors.vectors[name], vector)


def write_vector(message: qdrant.VectorOutput, vector: Vector) -> None:
    if isinstance(vector, SparseVector):
        message.sparse.SetInParent()
        message.sparse.indices.extend(vector.indices)
        message.sparse.values.extend(vector.values)
    else:
        message.dense.SetInParent()
        message.dense.data.extend(vector)
