"""Payload indexes: translation of their creation and their description."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import qdrant_edge as engine

from .failures import NotOffered, WrongInput, malformed
from .ids import json_path
from .protocol import qdrant

COMMON = ("on_disk", "enable_hnsw")
TEXT_OPTIONS = (
    "min_token_len", "max_token_len", "lowercase", "ascii_folding", "phrase_matching", "on_disk", "enable_hnsw",
)


@dataclass(frozen=True)
class Kind:
    """A kind of index, with its options. All its names in messages and in the engine follow from `name`."""

    name: str
    options: tuple[str, ...]

    @property
    def field_type(self) -> int:
        return qdrant.FieldType.Value(f"FieldType{self.name}")

    @property
    def described(self) -> qdrant.PayloadSchemaType.ValueType:
        return qdrant.PayloadSchemaType.Value(self.name)

    @property
    def engine_type(self) -> Any:
        return getattr(engine.PayloadSchemaType, self.name)

    @property
    def params_field(self) -> str:
        return f"{self.name.lower()}_index_params"

    @property
    def engine_params(self) -> Any:
        return getattr(engine, f"{self.name}IndexParams")

    @property
    def params_message(self) -> Any:
        return getattr(qdrant, f"{self.name}IndexParams")


KINDS = (
    Kind("Keyword", ("is_tenant", *COMMON)),
    Kind("Integer", ("lookup", "range", "is_principal", *COMMON)),
    Kind("Float", ("is_principal", *COMMON)),
    Kind("Geo", COMMON),
    Kind("Text", TEXT_OPTIONS),
    Kind("Bool", COMMON),
    Kind("Datetime", ("is_principal", *COMMON)),
    Kind("Uuid", ("is_tenant", *COMMON)),
)
TOKENIZERS = {
    qdrant.TokenizerType.Prefix: engine.TokenizerType.Prefix,
    qdrant.TokenizerType.Whitespace: engine.TokenizerType.Whitespace,
    qdrant.TokenizerType.Word: engine.TokenizerType.Word,
    qdrant.TokenizerType.Multilingual: engine.TokenizerType.Multilingual,
}


def creation(message: qdrant.CreateFieldIndexCollection) -> engine.UpdateOperation:
    key = json_path(message.field_name)
    asked = message.field_index_params.WhichOneof("index_params")
    if asked is not None:
        kind = next(kind for kind in KINDS if kind.params_field == asked)
        schema = params(kind, getattr(message.field_index_params, asked))
    elif message.HasField("field_type"):
        schema = engine_type(message.field_type)
    else:
        raise WrongInput(f"Unable to infer type for the field '{key}'. Please specify `field_type`")
    return engine.UpdateOperation.create_field_index(key, schema)


def engine_type(field_type: int) -> Any:
    for kind in KINDS:
        if kind.field_type == field_type:
            return kind.engine_type
    raise malformed("cannot convert field_type")


def params(kind: Kind, message: Any) -> Any:
    options = {name: getattr(message, name) for name in kind.options if message.HasField(name)}
    if kind.name == "Text":
        if message.HasField("stopwords") or message.HasField("stemmer"):
            raise NotOffered("a text index with stop words or a stemmer")
        if message.tokenizer not in TOKENIZERS:
            raise malformed("unknown tokenizer type")
        options["tokenizer"] = TOKENIZERS[message.tokenizer]
    return kind.engine_params(**options)


def types(info: engine.ShardInfo) -> dict[str, str]:
    """The type of the index of each indexed field."""
    names = {kind.engine_type: kind.name.lower() for kind in KINDS}
    return {key: names[index.data_type] for key, index in info.payload_schema.items()}


def description(index: engine.PayloadIndexInfo) -> qdrant.PayloadSchemaInfo:
    kind = next(kind for kind in KINDS if kind.engine_type == index.data_type)
    described = qdrant.PayloadSchemaInfo(data_type=kind.described, points=index.points)
    kept: Any = index.params
    if kept is not None:
        options = {name: getattr(kept, name) for name in kind.options}
        if kind.name == "Text":
            options["tokenizer"] = next(ours for ours, theirs in TOKENIZERS.items() if theirs == kept.tokenizer)
        message = kind.params_message(**options)
        described.params.CopyFrom(qdrant.PayloadIndexParams(**{kind.params_field: message}))
    return described
