"""One of SDV's synthesizers, fitted to one table of a source."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, NoReturn

import pyarrow as pa

from synthlake.api import Table, errors, nearest, open, understand
from synthlake_connectors.sdv.columns import from_series, sdtype, simplified

NAMES = {
    "gaussian_copula": "GaussianCopulaSynthesizer",
    "ctgan": "CTGANSynthesizer",
    "tvae": "TVAESynthesizer",
    "copula_gan": "CopulaGANSynthesizer",
}
_EXTRA = "sdv"


@dataclass(frozen=True)
class Sdv:
    """A fitted synthesizer of SDV. It lives as long as the process, and no longer.

    Attributes:
        table: that it learned.
        rows: of it.
    """

    table: Table
    rows: int
    _fitted: Any = field(repr=False)

    def sample(self, rows: int | None = None) -> pa.Table:
        """New rows in the Arrow types of the source; as many as were learned if not said.

        SDV has a seed of its own: the first rows of a fitted model are always the same.

        Raises:
            SampleError: SDV fails.
        """
        with _quiet():
            try:
                made = self._fitted.sample(self.rows if rows is None else rows)[self.table.name]
            except Exception as error:
                raise errors.SampleError(
                    f"SDV cannot make rows of {self.table.name}: {type(error).__name__}",
                    hint="ask for fewer rows, or fit it with other settings",
                ) from error
        columns = {f.name: from_series(made[f.name], f.type) for f in self.table.arrow}
        return pa.table(list(columns.values()), schema=self.table.arrow)

    def save(self, *given: object) -> NoReturn:
        """Refused.

        Raises:
            ArtifactError: always.
        """
        raise errors.ArtifactError(
            "what SDV learned is stored as a pickle, and holds values that fewer than k entities"
            " share: there is no artifact of it",
            hint="save the rows of `sample`, or learn by a synthesizer of Synthlake",
        )


def fit(
    source: object, synthesizer: str = "gaussian_copula", *, table: str | None = None,
    schema: Any = None, settings: Mapping[str, Any] | None = None,
) -> Sdv:  # fmt: skip
    """Learn one table by a synthesizer of SDV.

    Args:
        source: whatever ``synthlake.open`` takes; the table is read into memory.
        synthesizer: one of ``NAMES``, also as ``sdv.NAME``.
        table: which; not needed where there is one.
        schema: whole or in part; the rest is inferred.
        settings: of the synthesizer, as SDV calls them, such as ``{"epochs": 20}``.

    Raises:
        MissingExtraError: SDV is not installed.
        SpecError: there is no such synthesizer or setting.
        SchemaError: there is no such table.
        LearnError: a column has a type that SDV does not learn, or SDV fails.

    Privacy: none that SDV does not promise. Real values may come out; k is not kept.
    """
    name = synthesizer.removeprefix("sdv.")
    if name not in NAMES:
        raise errors.SpecError(
            f"SDV has no synthesizer {synthesizer!r} that the bridge knows",
            hint=nearest(name, NAMES),
        )
    vendor = _vendor()
    opened = open(source)
    learned = _table(understand(opened, schema).written.tables, table)
    names = [f.name for f in learned.arrow]
    rows = pa.Table.from_batches(opened.batches(learned.name, names), learned.arrow)
    model = _made(vendor, name, learned, dict(settings or {}))
    frame = _frame(learned, rows)
    with _quiet():
        try:
            model.fit({learned.name: frame})
        except ImportError as error:
            raise errors.MissingExtraError(str(error.name or "torch"), _EXTRA) from error
        except Exception as error:
            raise errors.LearnError(
                f"SDV cannot learn {learned.name}: {type(error).__name__}",
                hint="give it fewer columns, or other settings",
            ) from error
    return Sdv(learned, rows.num_rows, model)


def twin(
    source: object, synthesizer: str = "gaussian_copula", *, rows: int | None = None,
    table: str | None = None, settings: Mapping[str, Any] | None = None,
) -> dict[str, pa.Table]:  # fmt: skip
    """A twin of one table by SDV, to give to ``synthlake.evaluate`` beside one of ours.

    Args:
        source: as in ``fit``.
        synthesizer: as in ``fit``.
        rows: how many; None for as many as were learned.
        table: as in ``fit``.
        settings: as in ``fit``.

    Raises:
        as ``fit`` and ``Sdv.sample``.
    """
    fitted = fit(source, synthesizer, table=table, settings=settings)
    return {fitted.table.name: fitted.sample(rows)}


def _table(tables: Mapping[str, Table], name: str | None) -> Table:
    if name is None and len(tables) != 1:
        raise errors.SchemaError(
            f"the source has {len(tables)} tables, and the bridge learns one",
            hint=f"say which: table= one of {', '.join(tables)}",
        )
    found = next(iter(tables)) if name is None else name
    if found not in tables:
        raise errors.SchemaError(f"there is no table {found!r}", hint=nearest(found, tables))
    return tables[found]


def _frame(table: Table, rows: pa.Table) -> Any:
    """Rows as a pandas frame, as SDV takes them."""
    names = rows.column_names
    held = {name: simplified(f"{table.name}.{name}", rows[name]) for name in names}
    return pa.table(held).to_pandas()


def _made(vendor: Any, name: str, table: Table, settings: dict[str, Any]) -> Any:
    """The synthesizer, not fitted."""
    columns = {f.name: {"sdtype": sdtype(f"{table.name}.{f.name}", f.type)} for f in table.arrow}
    entry: dict[str, Any] = {"columns": columns}
    if len(table.primary_key) == 1 and table.primary_key[0] in columns:
        columns[table.primary_key[0]] = {"sdtype": "id"}
        entry["primary_key"] = table.primary_key[0]
    held = {"tables": {table.name: entry}, "relationships": []}
    with _quiet():
        metadata = vendor.metadata.Metadata.load_from_dict(held)
        try:
            return getattr(vendor.single_table, NAMES[name])(metadata, **settings)
        except ImportError as error:
            raise errors.MissingExtraError(str(error.name or "torch"), _EXTRA) from error
        except TypeError as error:
            raise errors.SpecError(
                f"SDV's {name} does not take these settings: {', '.join(settings)}",
                hint=f"see the documentation of sdv.single_table.{NAMES[name]}",
            ) from error


def _vendor() -> Any:
    """SDV with the parts that the bridge needs."""
    try:
        with _quiet():
            import sdv
            import sdv.metadata
            import sdv.single_table
    except ImportError as error:
        raise errors.MissingExtraError("sdv", _EXTRA) from error
    return sdv


@contextmanager
def _quiet() -> Iterator[None]:
    """SDV and what it stands on warn of their own affairs."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
