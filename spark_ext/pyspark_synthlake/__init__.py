"""By this name Spark finds ``format("synthlake")`` in any session; it loads nothing until asked."""

from __future__ import annotations

from typing import Any

from pyspark.sql.datasource import DataSource, DataSourceReader, DataSourceStreamReader


class DefaultSource(DataSource):
    """A table of a twin; see ``synthlake_spark.data_source``."""

    @classmethod
    def name(cls) -> str:
        """What ``format`` takes."""
        return "synthlake"

    def _source(self) -> DataSource:
        from synthlake_spark.data_source import SynthlakeDataSource

        return SynthlakeDataSource(self.options)

    def schema(self) -> Any:
        """Spark's schema of the table."""
        return self._source().schema()

    def reader(self, schema: Any) -> DataSourceReader:
        """A batch reader."""
        return self._source().reader(schema)

    def streamReader(self, schema: Any) -> DataSourceStreamReader:  # noqa: N802
        """A stream reader."""
        return self._source().streamReader(schema)
