"""The judge's counting as scripts, a table each: what is kept on the way, then all figures."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import sqlglot
from sqlglot import exp
from sqlglot.dialects.dialect import Dialect
from sqlglot.errors import SqlglotError

from synthlake.errors import SpecError
from synthlake.quality.emitted import codes, columns, keys, pairs, rules, structure
from synthlake.quality.emitted.dialects import Leaves, leaves_of
from synthlake.quality.emitted.readme import readme
from synthlake.quality.emitted.site import Site
from synthlake.quality.emitted.statement import FIGURES, Statement, select, union
from synthlake.quality.report.written import write_text
from synthlake.schema.model import Schema

REAL, SYNTHETIC = "real", "synthetic"


@dataclass(frozen=True)
class QualitySQL:
    """Every figure of one column or two, and of keys, as SQL for where both data sets lie.

    Attributes:
        leaves: of the dialect.
        sites: tables that are compared.
    """

    leaves: Leaves
    sites: tuple[Site, ...]

    @property
    def dialect(self) -> str:
        """As sqlglot calls it."""
        return self.leaves.name

    @property
    def tables(self) -> tuple[str, ...]:
        """Names of the tables."""
        return tuple(site.table.name for site in self.sites)

    @cached_property
    def left_out(self) -> Mapping[str, str]:
        """Columns of which only NULLs are counted, and why, by ``table.column``."""
        return {
            f"{site.table.name}.{name}": why
            for site in self.sites for name, why in site.left_out.items()
        }  # fmt: skip

    def statements(self, table: str) -> list[str]:
        """The statements of a table in order; the last one gives all figures.

        They belong into one session, as they rest on each other.

        Raises:
            SpecError: there is no such table.
        """
        return [sql for one in script(self._site(table)) for sql in one.sql(self.leaves)]

    def drops(self, table: str) -> list[str]:
        """Statements for after them, that drop what the end of a session does not."""
        kept = [one.keep for one in script(self._site(table)) if one.keep]
        return [self.leaves.lasting.format(name) for name in kept if self.leaves.lasting]

    def _site(self, table: str) -> Site:
        for site in self.sites:
            if site.table.name == table:
                return site
        raise SpecError(f"there is no table {table!r}", hint=f"tables are {', '.join(self.tables)}")

    def script(self, table: str) -> str:
        """The statements of a table as one text.

        Raises:
            SpecError: there is no such table.
        """
        every = [*self.statements(table), *self.drops(table)]
        return "".join(f"{sql};\n\n" for sql in every).rstrip() + "\n"

    def save(self, folder: str | os.PathLike[str]) -> list[Path]:
        """Write a script a table, and a README; returns the files.

        Raises:
            SinkError: a file cannot be written.
        """
        place = Path(folder)
        out = [place / f"{number:03}.sql" for number in range(1, len(self.sites) + 1)]
        for path, table in zip(out, self.tables, strict=True):
            write_text(path, self.script(table))
        said = readme(self.leaves, dict(zip(self.tables, (p.name for p in out), strict=True)),
                      self.left_out)  # fmt: skip
        return [*out, write_text(place / "README.md", said)]


def quality_sql(
    schema: Schema, dialect: str, real: str = REAL, synthetic: str = SYNTHETIC, seed: int = 0
) -> QualitySQL:
    """The statements that count where the data lies.

    Args:
        schema: of the real data, with types and keys.
        dialect: duckdb, postgres, spark, snowflake or bigquery.
        real: what stands before the names of real tables: a schema, or more names with dots.
        synthetic: the same of the synthetic tables.
        seed: of the choice of pairs in a table of more than 100 columns.

    Privacy: scripts hold names of tables and columns, and no value but those of declared rules.

    Raises:
        SpecError: the dialect is not known, or what stands before names cannot be read.
    """
    leaves = leaves_of(dialect)
    spaces = (_parts(real, leaves), _parts(synthetic, leaves))
    tables = [table for table in schema if not table.skip]
    sites = (Site(leaves, schema, table, place, spaces, seed) for place, table in enumerate(tables))
    return QualitySQL(leaves, tuple(sites))


def _parts(space: str, leaves: Leaves) -> tuple[str, ...]:
    """The names of ``catalog.schema``."""
    try:
        tree = sqlglot.parse_one(f"SELECT * FROM {space}.t", read=leaves.name)
    except (SqlglotError, RecursionError):
        tree = None
    table = tree.find(exp.Table) if isinstance(tree, exp.Select) else None
    plain = table is not None and tree == exp.select("*").from_(table)
    if table is None or not plain or table.name != "t" or len(table.parts) not in (2, 3):
        raise SpecError(
            f"{space!r} is not the name of a schema",
            hint="write it as in SQL: a schema, or catalog.schema; quote what is not a plain word",
        )
    return tuple(_unquoted(part, leaves) for part in table.parts[:-1])


def _unquoted(part: exp.Expr, leaves: Leaves) -> str:
    """A name as the engine keeps it: some fold the case of what is not quoted."""
    if leaves.name in ("postgres", "snowflake"):
        part = Dialect.get_or_raise(leaves.name).normalize_identifier(part.copy())
    return part.name


def script(site: Site) -> Iterator[Statement]:
    """All statements of a table: what is kept, and last the one that gives all figures."""
    figures: list[exp.Expression] = []
    for one in _counted(site):
        if one.keep:
            yield one
        else:
            figures.append(one.tree)
    chosen = ", ".join(f"f.{name}" for name in FIGURES)
    parts = [select(f"SELECT {chosen} FROM (:figure) AS f", figure=tree) for tree in figures]
    yield Statement("figures", union(parts))


def _counted(site: Site) -> Iterator[Statement]:
    yield columns.sizes(site)
    yield structure.differences(site)
    yield columns.rows(site)
    nulls = columns.null_rates(site)
    if nulls is not None:
        yield nulls
    if site.table.primary_key:
        yield keys.primary_key(site)
    yield from keys.references(site)
    yield from rules.broken_rules(site)
    if site.counted:
        yield from _of_columns(site)


def _of_columns(site: Site) -> Iterator[Statement]:
    texts = any(not c.ordered for c in site.counted)
    yield site.names()
    if texts:
        yield columns.words(site)
        yield columns.listed(site)
        yield columns.named(site)
    yield columns.numbers(site)
    yield columns.facts(site)
    yield columns.points(site)
    yield from columns.of_ordered(site, texts)
    if texts:
        yield from columns.of_texts(site)
    if not site.pairs:
        return
    yield codes.base(site)
    yield codes.steps(site)
    yield codes.jumps(site)
    yield codes.edges(site)
    yield codes.grids(site)
    if texts:
        yield codes.tops(site)
    yield from codes.bounds(site)
    yield codes.codes(site)
    yield from pairs.of_pairs(site)
