"""Tables as MLflow's data sets: where they lie, their columns and rows, and no cell of them.

MLflow finds these by the entry points ``mlflow.dataset_source`` and ``mlflow.dataset_constructor``.
"""

# Annotations stay classes here: MLflow asks the constructor's return annotation for its bases.

import hashlib
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from synthlake.api import Source, Table, errors, mask, open, schemes
from synthlake_connectors.mlflow.signature import columns_schema

try:
    from mlflow.data.dataset import Dataset
    from mlflow.data.dataset_source import DatasetSource
except ImportError as error:
    raise errors.MissingExtraError("mlflow", "mlflow") from error

_SCHEME = re.compile(r"([a-z0-9]+)(?:\+[a-z0-9]+)?://", re.IGNORECASE)
_IN_CORE = {"csv", "duckdb", "parquet"}


class SynthlakeSource(DatasetSource):  # type: ignore[misc,unused-ignore]
    """An address that ``synthlake.open`` takes.

    Args:
        url: of the source; secrets are masked wherever it is shown or logged.
    """

    def __init__(self, url: str) -> None:
        self._url = url

    def __repr__(self) -> str:
        return f"SynthlakeSource({self.url})"

    @property
    def url(self) -> str:
        """The address, without secrets."""
        return mask(self._url)

    @staticmethod
    def _get_source_type() -> str:
        return "synthlake"

    @staticmethod
    def _can_resolve(raw_source: Any) -> bool:
        found = _SCHEME.match(raw_source) if isinstance(raw_source, str) else None
        return found is not None and found[1].lower() in _IN_CORE.union(schemes())

    @classmethod
    def _resolve(cls, raw_source: Any) -> "SynthlakeSource":
        return cls(raw_source)

    def load(self) -> Source:
        """The source, opened.

        Raises:
            SourceError: it cannot be opened; a logged address has no password, so write
                ``${env:NAME}`` in its place.
        """
        return open(self._url)

    def to_dict(self) -> dict[str, Any]:
        """The address, as it is logged."""
        return {"url": self.url}

    @classmethod
    def from_dict(cls, source_dict: dict[Any, Any]) -> "SynthlakeSource":
        """The source that ``to_dict`` described."""
        return cls(source_dict["url"])


@dataclass(frozen=True)
class Facts:
    """What is told of a table.

    Attributes:
        table: its columns.
        rows: how many it has.
        made_of: id of the artifact that its rows follow from; empty for real data.
    """

    table: Table
    rows: int
    made_of: str = ""


class SynthlakeDataset(Dataset):  # type: ignore[misc,unused-ignore]
    """One table, real or synthetic.

    Args:
        source: where it lies.
        facts: what is told of it.
        name: by default that of the table.
        digest: by default of all that is told.
    """

    def __init__(
        self,
        source: SynthlakeSource,
        facts: Facts,
        name: str | None = None,
        digest: str | None = None,
    ) -> None:
        self._facts = facts
        super().__init__(source=source, name=name or facts.table.name, digest=digest)

    def _compute_digest(self) -> str:
        told = [
            self.name,
            self.source.url,
            self._facts.made_of,
            self.profile,
            self.schema.to_dict(),
        ]
        return hashlib.blake2b(json.dumps(told).encode(), digest_size=4).hexdigest()

    @property
    def profile(self) -> dict[str, Any]:
        """Number of rows, and the artifact that they follow from."""
        made_of = {"artifact": self._facts.made_of} if self._facts.made_of else {}
        return {"num_rows": self._facts.rows, **made_of}

    @property
    def schema(self) -> Any:
        """The columns, as an MLflow ``Schema``."""
        return columns_schema(self._facts.table)

    def to_dict(self) -> dict[str, str]:
        """All that is logged."""
        schema = json.dumps({"mlflow_colspec": self.schema.to_dict()})
        return {**super().to_dict(), "schema": schema, "profile": json.dumps(self.profile)}


def from_synthlake(
    source: str | Path, table: str | None = None, name: str | None = None, digest: str | None = None
) -> SynthlakeDataset:
    """A table of whatever address ``synthlake.open`` takes: ``mlflow.data.from_synthlake``.

    Args:
        source: a folder, a file or a URL.
        table: of the source; None for the only one.
        name: of the data set; None for that of the table.
        digest: of the data set; None for one of address, columns and number of rows.

    Raises:
        SourceError: it cannot be opened, or has several tables and none is named.
        SchemaError: there is no such table.

    Cost: one count of the rows, in the engine of the source.
    """
    opened = open(str(source))
    try:
        facts = _facts(opened, table)
    finally:
        getattr(opened, "close", lambda: None)()  # sources of connectors have it
    return SynthlakeDataset(SynthlakeSource(str(source)), facts, name, digest)


def _facts(source: Source, table: str | None) -> Facts:
    schema, engine = source.schema(), source.engine()
    if table is None and len(schema.tables) != 1:
        raise errors.SourceError(
            "the source has several tables", hint=f"give table: {', '.join(schema.tables)}"
        )
    held = schema[table or next(iter(schema.tables))]
    counted = engine.query(f"SELECT count(*) AS n FROM {engine.relation(held.name)}")
    return Facts(held, int(counted.column(0)[0].as_py()))
