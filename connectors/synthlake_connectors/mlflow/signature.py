"""What a model takes and gives, in MLflow's words."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from synthlake.api import Artifact, Table
from synthlake_connectors.mlflow.predictor import tables_of
from synthlake_connectors.mlflow.requests import ROWS, SEED, TABLE
from synthlake_connectors.mlflow.vendor import vendor

EXAMPLE_ROWS = 10

_NAMES: dict[Any, str] = {
    pa.bool_(): "boolean",
    **dict.fromkeys((pa.int8(), pa.int16(), pa.int32(), pa.uint8(), pa.uint16()), "integer"),
    **dict.fromkeys((pa.int64(), pa.uint32()), "long"),
    **dict.fromkeys((pa.float16(), pa.float32()), "float"),
    pa.float64(): "double",
    **dict.fromkeys((pa.string(), pa.large_string(), pa.string_view()), "string"),
    **dict.fromkeys((pa.binary(), pa.large_binary(), pa.binary_view()), "binary"),
    **dict.fromkeys((pa.date32(), pa.date64()), "datetime"),
}


def columns_schema(table: Table) -> Any:
    """The columns of a table as an MLflow ``Schema``; a type that MLflow lacks is ``Any``."""
    vendor()
    from mlflow.types import ColSpec, Schema

    return Schema([ColSpec(_type(f.type), f.name, required=not f.nullable) for f in table.arrow])


def signature_of(artifact: Artifact) -> Any:
    """The signature: requests in; out the table, if there is one alone.

    MLflow drops columns that a signature does not name before the model sees them, so that a
    condition would be passed over. A signature that says it comes from type hints stays as it is,
    and hands the input to the model as it was given; the model checks it.
    """
    vendor()
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, ParamSchema, ParamSpec, Schema

    made = tables_of(artifact)
    signature = ModelSignature(
        inputs=Schema(
            [ColSpec("long", ROWS, required=False), ColSpec("string", TABLE, required=False)]
        ),
        outputs=columns_schema(artifact.schema[made[0]].written) if len(made) == 1 else None,
        params=ParamSchema([ParamSpec(SEED, "long", 0)]),
    )
    signature._is_signature_from_type_hint = True
    return signature


def example_of(artifact: Artifact) -> tuple[dict[str, list[Any]], dict[str, int]]:
    """An input and params that the model accepts, small, and plain enough for JSON."""
    made = [artifact.schema[name] for name in tables_of(artifact)]
    roots = [table for table in made if not table.keep and table.own is None]
    if not roots:
        return {TABLE: [made[0].name]}, {SEED: 0}
    return {ROWS: [EXAMPLE_ROWS], TABLE: [roots[0].name]}, {SEED: 0}


def _type(kind: pa.DataType) -> Any:
    from mlflow.types.schema import AnyType

    if pa.types.is_timestamp(kind):
        return "datetime"
    return _NAMES.get(kind) or AnyType()
