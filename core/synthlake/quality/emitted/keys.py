"""Keys: rows beyond the first of each primary key, orphans, NULL keys, children per parent."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pyarrow as pa
from sqlglot import exp

from synthlake.quality.emitted.site import SIDES, Site
from synthlake.quality.emitted.statement import Statement, select, text, union
from synthlake.schema.model import ForeignKey
from synthlake.sql.kinds import kind, scale


def primary_key(site: Site) -> Statement:
    """Rows beyond the first of each primary key, and rows with a NULL in it."""
    template = """
    SELECT :metric AS metric, :table AS table_name, CAST(NULL AS TEXT) AS column_name,
           CAST(NULL AS TEXT) AS other_column, CAST(s.n AS DOUBLE PRECISION) AS value,
           CAST(r.n AS DOUBLE PRECISION) AS real_value,
           CAST(s.n AS DOUBLE PRECISION) AS synthetic_value
    FROM (:real) AS r CROSS JOIN (:synthetic) AS s
    """
    real, synthetic = (_duplicates(site, side) for side in SIDES)
    made = select(
        template, metric=text("primary_key"), table=text(site.table.name), real=real,
        synthetic=synthetic,
    )  # fmt: skip
    return Statement("primary_key", made)


def _duplicates(site: Site, side: int) -> str:
    keys = [site.column(name) for name in site.table.primary_key]
    known = " AND ".join(f"NOT {key} IS NULL" for key in keys)
    relation = site.relation(side)
    return (
        f"SELECT a.n - b.n AS n FROM (SELECT COUNT(*) AS n FROM {relation} AS t) AS a CROSS JOIN "
        f"(SELECT COUNT(*) AS n FROM (SELECT 1 AS one FROM {relation} AS t WHERE {known} "
        f"GROUP BY {', '.join(keys)}) AS g) AS b"
    )


def references(site: Site) -> Iterator[Statement]:
    """Of each foreign key: orphans, NULL keys, children per parent."""
    for number, fk in enumerate(site.table.references):
        kept = site.kept(f"links{number}")
        yield Statement(f"links of {fk.label(site.table.name)}", _links(site, fk), kept)
        for metric, part in (("orphans", "orphans"), ("null_keys", "nulls")):
            yield _share(site, fk, (metric, part), kept)
        yield _degrees(site, fk)


def _keys(site: Site, fk: ForeignKey, side: int) -> tuple[str, str]:
    """Child keys with their rows, and the parents' distinct keys."""
    parent = site.schema[fk.references]
    mine, theirs = [], []
    for own, to in zip(fk.columns, fk.to, strict=True):
        wanted = parent.column(to).type
        mine.append(_compared(site, site.column(own), site.table.column(own).type, wanted))
        theirs.append(_compared(site, site.column(to), wanted, wanted))
    left, right = _numbered(mine), _numbered(theirs)
    known = " AND ".join(f"NOT {value} IS NULL" for value in theirs)
    child = (
        f"SELECT {left}, COUNT(*) AS n FROM {site.relation(side)} AS t GROUP BY {', '.join(mine)}"
    )
    above = site.relation(side, fk.references)
    return child, f"SELECT DISTINCT {right}, 1 AS hit FROM {above} AS t WHERE {known}"


def _numbered(values: Sequence[str]) -> str:
    return ", ".join(f"{value} AS k{i}" for i, value in enumerate(values))


def _compared(site: Site, value: str, found: pa.DataType, wanted: pa.DataType) -> str:
    """A part of a key in the form in which children and parents are compared."""
    alike = kind(found) == kind(wanted)
    if not alike or (kind(wanted) == "decimal" and scale(found) != scale(wanted)):
        value = site.leaves.converted(value, wanted)
    return site.leaves.text.format(value) if kind(wanted) in ("text", "uuid") else value


def _on(fk: ForeignKey) -> str:
    return " AND ".join(f"c.k{i} = p.k{i}" for i in range(len(fk.columns)))


def _links(site: Site, fk: ForeignKey) -> exp.Expression:
    null = " OR ".join(f"c.k{i} IS NULL" for i in range(len(fk.columns)))
    template = """
    SELECT :side AS side, SUM(c.n) AS n, SUM(CASE WHEN :null THEN c.n ELSE 0 END) AS nulls,
           SUM(CASE WHEN NOT (:null) AND p.hit IS NULL THEN c.n ELSE 0 END) AS orphans
    FROM (:child) AS c LEFT JOIN (:parent) AS p ON :both
    """
    parts = []
    for side in SIDES:
        child, parent = _keys(site, fk, side)
        parts.append(
            select(template, side=side, null=null, child=child, parent=parent, both=_on(fk))
        )
    return union(parts)


_SHARE = """
SELECT :metric AS metric, :table AS table_name, :label AS column_name,
       CAST(NULL AS TEXT) AS other_column, ABS(f.a - f.b) AS value,
       f.a AS real_value, f.b AS synthetic_value
FROM (SELECT CAST(r.{part} AS DOUBLE PRECISION) / NULLIF(CAST(r.n AS DOUBLE PRECISION), 0) AS a,
             CAST(s.{part} AS DOUBLE PRECISION) / NULLIF(CAST(s.n AS DOUBLE PRECISION), 0) AS b
      FROM :links AS r CROSS JOIN :links AS s WHERE r.side = 0 AND s.side = 1) AS f
"""


def _share(site: Site, fk: ForeignKey, what: tuple[str, str], kept: str) -> Statement:
    """Difference of the shares of references that are orphans, or NULL; none without rows."""
    metric, part = what
    made = select(
        _SHARE.format(part=part), metric=text(metric), table=text(site.table.name),
        label=text(fk.label(site.table.name)), links=kept,
    )  # fmt: skip
    return Statement(metric, made)


_DEGREES = """
WITH d AS (
  SELECT g.degree AS degree, SUM(CASE WHEN g.side = 0 THEN g.n ELSE 0 END) AS n0,
         SUM(CASE WHEN g.side = 1 THEN g.n ELSE 0 END) AS n1
  FROM (:counts) AS g GROUP BY g.degree
), u AS (
  SELECT CAST(SUM(d.n0) OVER (ORDER BY d.degree
              ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS DOUBLE PRECISION) AS u0,
         CAST(SUM(d.n1) OVER (ORDER BY d.degree
              ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS DOUBLE PRECISION) AS u1
  FROM d
), t AS (
  SELECT CAST(SUM(d.n0) AS DOUBLE PRECISION) AS t0, CAST(SUM(d.n1) AS DOUBLE PRECISION) AS t1
  FROM d
), x AS (
  SELECT MAX(ABS(u.u0 / NULLIF(t.t0, 0) - u.u1 / NULLIF(t.t1, 0))) AS gap
  FROM u CROSS JOIN t
)
SELECT :metric AS metric, :table AS table_name, :label AS column_name,
       CAST(NULL AS TEXT) AS other_column,
       CASE WHEN r.n > 0 AND s.n > 0 THEN 1 - x.gap END AS value,
       CAST(NULL AS DOUBLE PRECISION) AS real_value,
       CAST(NULL AS DOUBLE PRECISION) AS synthetic_value
FROM x CROSS JOIN :sizes AS r CROSS JOIN :sizes AS s WHERE r.side = 0 AND s.side = 1
"""


def _degrees(site: Site, fk: ForeignKey) -> Statement:
    """1 - KS distance of children per distinct parent key, parents without children included."""
    template = """
    SELECT :side AS side, q.degree AS degree, COUNT(*) AS n
    FROM (SELECT COALESCE(c.n, 0) AS degree
          FROM (:parent) AS p LEFT JOIN (:child) AS c ON :both) AS q
    GROUP BY q.degree
    """
    parts = []
    for side in SIDES:
        child, parent = _keys(site, fk, side)
        parts.append(select(template, side=side, child=child, parent=parent, both=_on(fk)))
    made = select(
        _DEGREES, counts=union(parts), metric=text("degrees"), table=text(site.table.name),
        label=text(fk.label(site.table.name)), sizes=site.kept("sizes"),
    )  # fmt: skip
    return Statement("degrees", made)
