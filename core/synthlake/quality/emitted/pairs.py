"""Pairs of columns: total variation, mutual information, rank correlation and Pearson's."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sqlglot import exp

from synthlake.quality.emitted.codes import gridded
from synthlake.quality.emitted.site import Counted, Site
from synthlake.quality.emitted.statement import Statement, select, text, union

_TOGETHER = 50  # pairs in one statement
_LEAST, _NO_SPREAD = "1e-12", "1e-15"
_UPTO = "ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW"
Pairs = Sequence[tuple[Counted, Counted]]


def of_pairs(site: Site) -> Iterator[Statement]:
    """What is kept, and the figures, for some pairs at a time."""
    chunks = [site.pairs[at : at + _TOGETHER] for at in range(0, len(site.pairs), _TOGETHER)]
    for number, chunk in enumerate(chunks):
        cells = site.kept(f"cells{number}")
        yield Statement(f"cells{number}", _cells(site, chunk), cells)
        yield _figures(site, "pairs", _VARIATION, cells)
        yield _figures(site, "mutual_information", _INFORMATION, cells)
        numeric = [p for p in chunk if gridded(p[0]) and gridded(p[1])]
        if not numeric:
            continue
        yield _figures(site, "spearman", _SPEARMAN, cells)
        sums = site.kept(f"sums{number}")
        yield Statement(f"sums{number}", _sums(site, numeric), sums)
        yield _figures(site, "pearson", _PEARSON, sums)


def _cells(site: Site, chunk: Pairs) -> exp.Expression:
    template = """
    SELECT :a AS a, :b AS b, :ranked AS ranked, k.:x AS x, k.:y AS y,
           SUM(CASE WHEN k.side = 0 THEN 1 ELSE 0 END) AS n0,
           SUM(CASE WHEN k.side = 1 THEN 1 ELSE 0 END) AS n1
    FROM :codes AS k GROUP BY k.:x, k.:y
    """
    return union([
        select(
            template.replace(":x", f"c{a.number}").replace(":y", f"c{b.number}"),
            a=a.number, b=b.number, ranked=int(gridded(a) and gridded(b)),
            codes=site.kept("codes"),
        )
        for a, b in chunk
    ])  # fmt: skip


def _sums(site: Site, chunk: Pairs) -> exp.Expression:
    x, y = (f"CAST({name} AS DECIMAL(38, 0))" for name in ("k.:x", "k.:y"))
    template = f"""
    SELECT :a AS a, :b AS b, k.side AS side, CAST(COUNT(*) AS DECIMAL(38, 0)) AS n,
           SUM({x} * {y}) AS xy, SUM({x}) AS x, SUM({y}) AS y, SUM({x} * {x}) AS xx,
           SUM({y} * {y}) AS yy
    FROM :codes AS k WHERE NOT k.:x IS NULL AND NOT k.:y IS NULL GROUP BY k.side
    """
    return union([
        select(
            template.replace(":x", f"x{a.number}").replace(":y", f"x{b.number}"),
            a=a.number, b=b.number, codes=site.kept("codes"),
        )
        for a, b in chunk
    ])  # fmt: skip


def _figures(site: Site, metric: str, template: str, kept: str) -> Statement:
    made = select(
        template, metric=text(metric), table=text(site.table.name), cells=kept,
        names=site.kept("names"), sizes=site.kept("sizes"),
    )  # fmt: skip
    return Statement(metric, made)


_SIZED = """
CROSS JOIN (SELECT CAST(n AS DOUBLE PRECISION) AS n FROM :sizes WHERE side = 0) AS r
CROSS JOIN (SELECT CAST(n AS DOUBLE PRECISION) AS n FROM :sizes WHERE side = 1) AS s
"""
_NAMED = """
INNER JOIN :names AS l ON l.c = g.a INNER JOIN :names AS m ON m.c = g.b
"""

_VARIATION = (
    """
WITH g AS (
  SELECT d.a AS a, d.b AS b,
         SUM(ABS(CAST(d.n0 AS DOUBLE PRECISION) / NULLIF(r.n, 0)
               - CAST(d.n1 AS DOUBLE PRECISION) / NULLIF(s.n, 0))) / 2 AS v
  FROM :cells AS d
"""
    + _SIZED
    + """
  GROUP BY d.a, d.b
)
SELECT :metric AS metric, :table AS table_name, l.name AS column_name, m.name AS other_column,
       CASE WHEN g.v > 1 THEN CAST(1 AS DOUBLE PRECISION) ELSE g.v END AS value,
       CAST(NULL AS DOUBLE PRECISION) AS real_value,
       CAST(NULL AS DOUBLE PRECISION) AS synthetic_value
FROM g
"""
    + _NAMED
)


def _entropy(share: str, source: str) -> str:
    return (
        f"SELECT q.a AS a, q.b AS b, q.side AS side, "
        f"-SUM(CASE WHEN {share} > 0 THEN {share} * LN({share}) ELSE 0 END) AS h "
        f"FROM {source} AS q GROUP BY q.a, q.b, q.side"
    )


def _margin(by: str) -> str:
    return (
        f"SELECT k.a AS a, k.b AS b, k.side AS side, SUM(k.n) AS n, MAX(k.t) AS t FROM k "
        f"GROUP BY k.a, k.b, k.side, k.{by}"
    )


_SHARE = "(CAST(q.n AS DOUBLE PRECISION) / NULLIF(CAST(q.t AS DOUBLE PRECISION), 0))"
_INFORMATION = (
    f"""
WITH k AS (
  SELECT d.a AS a, d.b AS b, z.side AS side, d.x AS x, d.y AS y,
         CASE WHEN z.side = 0 THEN d.n0 ELSE d.n1 END AS n, z.n AS t
  FROM :cells AS d CROSS JOIN :sizes AS z
), hx AS ({_entropy(_SHARE, f"({_margin('x')})")}
), hy AS ({_entropy(_SHARE, f"({_margin('y')})")}
), hk AS ({_entropy(_SHARE, "k")}
), i AS (
  SELECT hk.a AS a, hk.b AS b, hk.side AS side,
         CASE WHEN hx.h < hy.h THEN hx.h ELSE hy.h END AS least, hx.h + hy.h - hk.h AS shared
  FROM hk INNER JOIN hx ON hx.a = hk.a AND hx.b = hk.b AND hx.side = hk.side
  INNER JOIN hy ON hy.a = hk.a AND hy.b = hk.b AND hy.side = hk.side
), o AS (
  SELECT i.a AS a, i.b AS b, i.side AS side,
         CASE WHEN i.least <= CAST('{_LEAST}' AS DOUBLE PRECISION) OR i.shared <= 0
              THEN CAST(0 AS DOUBLE PRECISION)
              WHEN i.shared > i.least THEN CAST(1 AS DOUBLE PRECISION)
              ELSE i.shared / i.least END AS v
  FROM i
), g AS (
  SELECT o.a AS a, o.b AS b, MAX(CASE WHEN o.side = 0 THEN o.v END) AS v0,
         MAX(CASE WHEN o.side = 1 THEN o.v END) AS v1
  FROM o GROUP BY o.a, o.b
)
SELECT :metric AS metric, :table AS table_name, l.name AS column_name, m.name AS other_column,
       CASE WHEN r.n > 0 AND s.n > 0 THEN ABS(g.v0 - g.v1) END AS value,
       g.v0 AS real_value, g.v1 AS synthetic_value
FROM g
"""
    + _NAMED
    + _SIZED
)


def _ranks(by: str) -> str:
    """Middle ranks of a column's codes, as shares of all rows less a half."""
    return (
        f"SELECT z.a AS a, z.b AS b, z.side AS side, z.{by} AS {by}, z.n / z.t AS p, "
        f"(SUM(z.n) OVER (PARTITION BY z.a, z.b, z.side ORDER BY z.{by} {_UPTO}) - z.n / 2) / z.t "
        f"- 0.5e0 AS rank FROM (SELECT k.a AS a, k.b AS b, k.side AS side, k.{by} AS {by}, "
        f"SUM(k.n) AS n, MAX(k.t) AS t FROM k GROUP BY k.a, k.b, k.side, k.{by}) AS z"
    )


_SPEARMAN = (
    f"""
WITH w AS (
  SELECT d.a AS a, d.b AS b, z.side AS side, d.x AS x, d.y AS y,
         CAST(CASE WHEN z.side = 0 THEN d.n0 ELSE d.n1 END AS DOUBLE PRECISION) AS n
  FROM :cells AS d CROSS JOIN :sizes AS z
  WHERE d.ranked = 1 AND CASE WHEN z.side = 0 THEN d.n0 ELSE d.n1 END > 0
    AND d.x BETWEEN 1 AND 98 AND d.y BETWEEN 1 AND 98
), k AS (
  SELECT w.a AS a, w.b AS b, w.side AS side, w.x AS x, w.y AS y, w.n AS n,
         SUM(w.n) OVER (PARTITION BY w.a, w.b, w.side) AS t
  FROM w
), rx AS ({_ranks("x")}
), ry AS ({_ranks("y")}
), vx AS (
  SELECT rx.a AS a, rx.b AS b, rx.side AS side, SUM(rx.p * rx.rank * rx.rank) AS v
  FROM rx GROUP BY rx.a, rx.b, rx.side
), vy AS (
  SELECT ry.a AS a, ry.b AS b, ry.side AS side, SUM(ry.p * ry.rank * ry.rank) AS v
  FROM ry GROUP BY ry.a, ry.b, ry.side
), co AS (
  SELECT k.a AS a, k.b AS b, k.side AS side, SUM(k.n / k.t * rx.rank * ry.rank) AS v
  FROM k INNER JOIN rx ON rx.a = k.a AND rx.b = k.b AND rx.side = k.side AND rx.x = k.x
  INNER JOIN ry ON ry.a = k.a AND ry.b = k.b AND ry.side = k.side AND ry.y = k.y
  GROUP BY k.a, k.b, k.side
), o AS (
  SELECT co.a AS a, co.b AS b, co.side AS side,
         CASE WHEN vx.v > CAST('{_NO_SPREAD}' AS DOUBLE PRECISION)
               AND vy.v > CAST('{_NO_SPREAD}' AS DOUBLE PRECISION)
              THEN co.v / SQRT(vx.v * vy.v) END AS v
  FROM co INNER JOIN vx ON vx.a = co.a AND vx.b = co.b AND vx.side = co.side
  INNER JOIN vy ON vy.a = co.a AND vy.b = co.b AND vy.side = co.side
), g AS (
  SELECT o.a AS a, o.b AS b, MAX(CASE WHEN o.side = 0 THEN o.v END) AS v0,
         MAX(CASE WHEN o.side = 1 THEN o.v END) AS v1
  FROM o GROUP BY o.a, o.b
)
"""
    + """
SELECT :metric AS metric, :table AS table_name, l.name AS column_name, m.name AS other_column,
       CASE WHEN r.n > 0 AND s.n > 0 THEN ABS(g.v0 - COALESCE(g.v1, 0)) END AS value,
       g.v0 AS real_value, g.v1 AS synthetic_value
FROM g
"""
    + _NAMED
    + _SIZED
)

_PEARSON = (
    """
WITH q AS (
  SELECT d.a AS a, d.b AS b, d.side AS side, d.n * d.xy - d.x * d.y AS co,
         d.n * d.xx - d.x * d.x AS sx, d.n * d.yy - d.y * d.y AS sy
  FROM :cells AS d
), o AS (
  SELECT q.a AS a, q.b AS b, q.side AS side,
         CASE WHEN q.sx > 0 AND q.sy > 0
              THEN CAST(q.co AS DOUBLE PRECISION)
                   / (SQRT(CAST(q.sx AS DOUBLE PRECISION)) * SQRT(CAST(q.sy AS DOUBLE PRECISION)))
              END AS v
  FROM q
), g AS (
  SELECT o.a AS a, o.b AS b, MAX(CASE WHEN o.side = 0 THEN o.v END) AS v0,
         MAX(CASE WHEN o.side = 1 THEN o.v END) AS v1
  FROM o GROUP BY o.a, o.b
)
SELECT :metric AS metric, :table AS table_name, l.name AS column_name, m.name AS other_column,
       CASE WHEN r.n > 0 AND s.n > 0 THEN ABS(g.v0 - COALESCE(g.v1, 0)) END AS value,
       g.v0 AS real_value, g.v1 AS synthetic_value
FROM g
"""
    + _NAMED
    + _SIZED
)
