"""The model that ``mlflow.pyfunc`` calls: requests in, rows out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from synthlake.api import Artifact, errors
from synthlake_connectors.mlflow.requests import Request, requests_of, seed_of


class Predictor:
    """An artifact behind ``predict``.

    Args:
        artifact: that makes the rows.
    """

    def __init__(self, artifact: Artifact) -> None:
        self.artifact = artifact

    def predict(self, data: Any, params: Mapping[str, Any] | None = None) -> Any:
        """The rows of each request, in the order of the requests, as a pandas DataFrame.

        Each request is a twin of its own, as of ``artifact.sample(rows={table: num_rows},
        tables=[table], seed=seed)``: equal requests give equal rows, keys included.

        Args:
            data: columns ``num_rows`` (default: as many as were learned) and ``table`` (default:
                the only one); a row a request.
            params: ``seed``, default 0.

        Raises:
            SampleError: a column is not known, such as a condition; the requests are for several
                tables; or so many rows cannot be made, as for a table whose parent decides.
            SchemaError: there is no such table.
        """
        asked, seed = requests_of(data), seed_of(params)
        table = self._table(asked)
        return pa.concat_tables([self._rows(table, each.rows, seed) for each in asked]).to_pandas()

    def get_raw_model(self) -> Artifact:
        """The artifact, for ``PyFuncModel.get_raw_model``."""
        return self.artifact

    def _rows(self, table: str, count: int | None, seed: int) -> pa.Table:
        rows = None if count is None else {table: count}
        return self.artifact.sample(rows=rows, tables=[table], seed=seed)[table].to_arrow()

    def _table(self, asked: Sequence[Request]) -> str:
        made = tables_of(self.artifact)
        named = {each.table for each in asked}
        if None in named:
            if len(made) > 1:
                raise errors.SampleError(
                    "the input names no table, and the model has several",
                    hint=f"add the column table: {', '.join(made)}",
                )
            named = (named - {None}) | {made[0]}
        if len(named) > 1:
            raise errors.SampleError(
                f"one call makes one table, and {len(named)} are asked for",
                hint="call once for each table",
            )
        return str(named.pop())


def tables_of(artifact: Artifact) -> list[str]:
    """Names of the tables that an artifact makes."""
    return [table.name for table in artifact.schema if not table.skip]
