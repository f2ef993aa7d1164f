"""Columns one by one: NULL shares, ranges, KS, Wasserstein, total variation and coverage.

What is kept for the statements after it: ``sizes`` (rows and NULLs a side), ``numbers`` and
``texts`` (values with their rows), ``facts`` and ``words`` (a row a column), ``points`` (values of
both sides, with the end of the interval that they are compared by), ``listed`` (texts that count
for themselves). Cost: two passes over a column.
"""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp

from synthlake.quality.emitted.site import SIDES, Counted, Site
from synthlake.quality.emitted.statement import Statement, raw, select, text, union
from synthlake.quality.marginal import MAX_CUTS, MAX_NUMBERS, MAX_VALUES, MOST

FINITE = "1.7976931348623157e308"
_FIGURE = """
SELECT :metric AS metric, :table AS table_name, n.name AS column_name,
       CAST(NULL AS TEXT) AS other_column, {value} AS value,
       CAST({real} AS DOUBLE PRECISION) AS real_value,
       CAST({other} AS DOUBLE PRECISION) AS synthetic_value
"""


def sizes(site: Site) -> Statement:
    """Rows of a side, and what is not NULL of each column."""
    parts = []
    for side in SIDES:
        counts = [exp.alias_(raw(f"COUNT({site.column(name)})"), f"c{i}")
                  for i, name in enumerate(site.fields)]  # fmt: skip
        tree = select(
            "SELECT :side AS side, COUNT(*) AS n FROM :relation AS t",
            side=side, relation=site.relation(side),
        )  # fmt: skip
        tree.set("expressions", [*tree.expressions, *counts])
        parts.append(tree)
    return Statement("sizes", union(parts), site.kept("sizes"))


def rows(site: Site) -> Statement:
    """Rows of the smaller table by those of the larger."""
    template = """
    SELECT :metric AS metric, :table AS table_name, CAST(NULL AS TEXT) AS column_name,
           CAST(NULL AS TEXT) AS other_column,
           CASE WHEN r.n = 0 AND s.n = 0 THEN CAST(1 AS DOUBLE PRECISION)
                WHEN r.n < s.n THEN CAST(r.n AS DOUBLE PRECISION) / CAST(s.n AS DOUBLE PRECISION)
                ELSE CAST(s.n AS DOUBLE PRECISION) / CAST(r.n AS DOUBLE PRECISION) END AS value,
           CAST(r.n AS DOUBLE PRECISION) AS real_value,
           CAST(s.n AS DOUBLE PRECISION) AS synthetic_value
    FROM :sizes AS r CROSS JOIN :sizes AS s WHERE r.side = 0 AND s.side = 1
    """
    places = {"metric": text("rows"), "table": text(site.table.name)}
    return Statement("rows", select(template, sizes=site.kept("sizes"), **places))


def null_rates(site: Site) -> Statement | None:
    """Difference of the shares of NULL, of every column that is not written as NULL."""
    template = """
    SELECT :metric AS metric, :table AS table_name, :name AS column_name,
           CAST(NULL AS TEXT) AS other_column, ABS(f.a - f.b) AS value,
           f.a AS real_value, f.b AS synthetic_value
    FROM (SELECT CAST(r.n - r.:column AS DOUBLE PRECISION)
                 / NULLIF(CAST(r.n AS DOUBLE PRECISION), 0) AS a,
                 CAST(s.n - s.:column AS DOUBLE PRECISION)
                 / NULLIF(CAST(s.n AS DOUBLE PRECISION), 0) AS b
          FROM :sizes AS r CROSS JOIN :sizes AS s WHERE r.side = 0 AND s.side = 1) AS f
    """
    parts = [
        select(
            template.replace(":column", f"c{i}"), metric=text("null_rate"),
            table=text(site.table.name), name=text(name), sizes=site.kept("sizes"),
        )
        for i, name in enumerate(site.fields)
        if site.table.column(name).action != "null"
    ]  # fmt: skip
    return Statement("null_rate", union(parts)) if parts else None


def numbers(site: Site) -> Statement:
    """Values of what has an order, and of the lengths of texts: 0 NULL, 1 a value, 2 NaN."""
    template = """
    SELECT :c AS c, :side AS side, s.k AS k, s.v AS v, COUNT(*) AS n
    FROM (SELECT CASE WHEN r.v IS NULL THEN 0 WHEN :nan THEN 2 ELSE 1 END AS k,
                 CASE WHEN :nan THEN NULL ELSE r.v END AS v
          FROM (SELECT CAST(:value AS DOUBLE PRECISION) AS v FROM :relation AS t) AS r) AS s
    GROUP BY s.k, s.v
    """
    parts = [
        select(
            template, c=column.number, side=side, relation=site.relation(side),
            value=column.length or column.value, nan=_nan(site, column),
        )
        for column in site.counted for side in SIDES
    ]  # fmt: skip
    return Statement("numbers", union(parts), site.kept("numbers"))


def _nan(site: Site, column: Counted) -> str:
    return site.leaves.nan.format("r.v") if column.field.floating else "1 = 0"


def facts(site: Site) -> Statement:
    """Of each column: NULL, NaN, known rows and distinct values a side, real ends."""
    template = """
    SELECT n.c AS c, :sums,
           MIN(CASE WHEN n.side = 0 AND n.k = 1 THEN n.v END) AS low,
           MAX(CASE WHEN n.side = 0 AND n.k = 1 THEN n.v END) AS high
    FROM :numbers AS n GROUP BY n.c
    """
    sums = ", ".join(
        f"SUM(CASE WHEN n.side = {side} AND {test} THEN {what} ELSE 0 END) AS {name}{side}"
        for name, test, what in (
            ("nulls", "n.k = 0", "n.n"), ("known", "n.k = 1", "n.n"), ("nans", "n.k = 2", "n.n"),
            ("apart", "n.k > 0", "1"),
        )
        for side in SIDES
    )  # fmt: skip
    made = select(template.replace(":sums", sums), numbers=site.kept("numbers"))
    return Statement("facts", made, site.kept("facts"))


def points(site: Site) -> Statement:
    """Values of both sides, and the end of the interval by which they are compared.

    Up to 500,000 distinct values each is its own end. Beyond, the ends are those of 1,024 intervals
    of about equally many real rows: NTILE's where the real column has so many values, else the
    values that the multiples of a 1,024th fall on. No end (NULL) is beyond the last.
    """
    template = f"""
    WITH p AS (
      SELECT n.c AS c, n.v AS v, SUM(CASE WHEN n.side = 0 THEN n.n ELSE 0 END) AS n0,
             SUM(CASE WHEN n.side = 1 THEN n.n ELSE 0 END) AS n1
      FROM :numbers AS n WHERE n.k = 1 GROUP BY n.c, n.v
    ), w AS (
      SELECT p.c AS c, p.v AS v, p.n0 AS n0, p.n1 AS n1, f.apart0 AS apart0, f.apart1 AS apart1,
             f.known0 AS known0, FLOOR(CAST(f.known0 AS DOUBLE PRECISION) / {MAX_CUTS}) AS q,
             SUM(p.n0) OVER (PARTITION BY p.c ORDER BY p.v
                             ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS upto,
             SUM(CASE WHEN p.n0 > 0 THEN 1 ELSE 0 END) OVER (PARTITION BY p.c) AS there
      FROM p INNER JOIN :facts AS f ON f.c = p.c
    ), m AS (
      SELECT w.c AS c, w.v AS v, w.n0 AS n0, w.n1 AS n1,
             CASE WHEN w.apart0 <= {MAX_NUMBERS} THEN 1 ELSE 0 END AS whole,
             CASE WHEN w.apart0 <= {MAX_NUMBERS} AND w.apart1 <= {MAX_NUMBERS} THEN 1
                  WHEN w.n0 = 0 THEN 0
                  WHEN w.apart0 > {MAX_NUMBERS}
                  THEN CASE WHEN {_tile("w.upto")} > {_tile("(w.upto - w.n0)")} THEN 1 ELSE 0 END
                  WHEN w.there <= {MAX_CUTS} THEN 1
                  WHEN {_part("w.upto")} > {_part("(w.upto - w.n0)")} THEN 1
                  ELSE 0 END AS ends
      FROM w
    )
    SELECT m.c AS c, m.v AS v, m.n0 AS n0, m.n1 AS n1, m.whole AS whole,
           MIN(CASE WHEN m.ends = 1 THEN m.v END) OVER (PARTITION BY m.c ORDER BY m.v
             ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING) AS e
    FROM m
    """
    made = select(template, numbers=site.kept("numbers"), facts=site.kept("facts"))
    return Statement("points", made, site.kept("points"))


def _tile(upto: str) -> str:
    """How many of NTILE's buckets end within the first so many rows: the first ones are larger."""
    at, left = f"CAST({upto} AS DOUBLE PRECISION)", f"(w.known0 - {MAX_CUTS} * w.q)"
    return (
        f"(CASE WHEN {at} <= {left} * (w.q + 1) THEN FLOOR({at} / (w.q + 1)) "
        f"ELSE {left} + FLOOR(({at} - {left} * (w.q + 1)) / NULLIF(w.q, 0)) END)"
    )


def _part(upto: str) -> str:
    return f"FLOOR(CAST({upto} AS DOUBLE PRECISION) * {MAX_CUTS} / w.known0)"


def words(site: Site) -> Statement:
    """Texts with their rows a side, none for NULL."""
    template = """
    SELECT :c AS c, :side AS side, s.v AS v, COUNT(*) AS n
    FROM (SELECT :value AS v FROM :relation AS t) AS s WHERE s.v IS NOT NULL GROUP BY s.v
    """
    parts = [
        select(template, c=c.number, side=side, relation=site.relation(side), value=c.value)
        for c in site.counted if not c.ordered for side in SIDES
    ]  # fmt: skip
    return Statement("words", union(parts), site.kept("words"))


def listed(site: Site) -> Statement:
    """The 20,000 most frequent texts a side, ties by their hash; the rest counts as one."""
    template = f"""
    WITH a AS (
      SELECT w.c AS c, w.side AS side, COUNT(*) AS apart, SUM(w.n) AS known
      FROM :words AS w GROUP BY w.c, w.side
    ), o AS (
      SELECT w.c AS c, w.side AS side, w.v AS v, w.n AS n, a.known AS known, a.apart AS apart,
             ROW_NUMBER() OVER (PARTITION BY w.c, w.side ORDER BY w.n DESC,
               CASE WHEN a.apart > {MAX_VALUES} THEN :hashed ELSE 0 END) AS place
      FROM :words AS w INNER JOIN a ON a.c = w.c AND a.side = w.side
    )
    SELECT o.c AS c, o.side AS side, o.v AS v, o.n AS n
    FROM o WHERE o.place <= {MAX_VALUES}
    """
    hashed = site.leaves.hashed.format("w.v")
    made = select(template, words=site.kept("words"), hashed=hashed)
    return Statement("listed", made, site.kept("listed"))


def named(site: Site) -> Statement:
    """Of each text: whether at least half of the real rows have a text of their own.

    Such a column is compared by presence and length. Keys have no place here.
    """
    template = """
    SELECT n.c AS c, COALESCE(r.known, 0) AS known0, COALESCE(s.known, 0) AS known1,
           CASE WHEN r.apart > 2 AND 2 * r.apart >= r.known THEN 1 ELSE 0 END AS named
    FROM :names AS n
    LEFT JOIN (SELECT w.c AS c, COUNT(*) AS apart, SUM(w.n) AS known FROM :words AS w
               WHERE w.side = 0 GROUP BY w.c) AS r ON r.c = n.c
    LEFT JOIN (SELECT w.c AS c, COUNT(*) AS apart, SUM(w.n) AS known FROM :words AS w
               WHERE w.side = 1 GROUP BY w.c) AS s ON s.c = n.c
    WHERE n.kind = 1
    """
    made = select(template, names=site.kept("names"), words=site.kept("words"))
    return Statement("named", made, site.kept("named"))


_SIZED = """
CROSS JOIN (SELECT CAST(n AS DOUBLE PRECISION) AS n FROM :sizes WHERE side = 0) AS r
CROSS JOIN (SELECT CAST(n AS DOUBLE PRECISION) AS n FROM :sizes WHERE side = 1) AS s
"""
_ORDERED = "WHERE n.kind = 0 OR n.c IN (SELECT d.c FROM :named AS d WHERE d.named = 1)"


def _figure(value: str, real: str = "NULL", other: str = "NULL") -> str:
    return _FIGURE.format(value=value, real=real, other=other)


def _finished(site: Site, metric: str, template: str, has_texts: bool) -> Statement:
    places = {
        what: site.kept(what) for what in ("names", "sizes", "facts", "points", "listed", "named")
    }
    ordered = _ORDERED if has_texts else ""
    made = select(
        template.replace(":ordered", ordered), metric=text(metric), table=text(site.table.name),
        **places,
    )  # fmt: skip
    return Statement(metric, made)


def of_ordered(site: Site, has_texts: bool) -> Iterator[Statement]:
    """Range, KS and Wasserstein of numbers, times and the lengths of names."""
    yield _finished(site, "range", _RANGE, has_texts)
    yield _finished(site, "ks", _KS, has_texts)
    yield _finished(site, "wasserstein", _WASSERSTEIN, has_texts)


_RANGE = (
    _figure(
        "CASE WHEN r.n = 0 THEN NULL WHEN s.n = 0 THEN CAST(1 AS DOUBLE PRECISION)"
        " ELSE CAST(COALESCE(x.beyond, 0) AS DOUBLE PRECISION) / NULLIF(s.n, 0) END"
    )
    + """
FROM :names AS n
"""
    + _SIZED
    + """
LEFT JOIN (SELECT p.c AS c, SUM(CASE WHEN f.low IS NULL OR p.v < f.low OR p.v > f.high
                                     THEN p.n1 ELSE 0 END) AS beyond
           FROM :points AS p INNER JOIN :facts AS f ON f.c = p.c GROUP BY p.c) AS x ON x.c = n.c
:ordered
"""
)

_KS = (
    """
WITH d AS (
  SELECT p.c AS c, p.e AS e, CASE WHEN p.e IS NULL THEN 1 ELSE 0 END AS beyond,
         SUM(p.n0) AS n0, SUM(p.n1) AS n1
  FROM :points AS p GROUP BY p.c, p.e
), u AS (
  SELECT d.c AS c,
         SUM(d.n0) OVER (PARTITION BY d.c ORDER BY d.beyond, d.e
                         ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS n0,
         SUM(d.n1) OVER (PARTITION BY d.c ORDER BY d.beyond, d.e
                         ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS n1
  FROM d
), g AS (
  SELECT u.c AS c, MAX(ABS(CAST(f.nulls0 + u.n0 AS DOUBLE PRECISION) / NULLIF(r.n, 0)
                         - CAST(f.nulls1 + u.n1 AS DOUBLE PRECISION) / NULLIF(s.n, 0))) AS gap
  FROM u INNER JOIN :facts AS f ON f.c = u.c
"""
    + _SIZED
    + """
  GROUP BY u.c
)
"""
    + _figure(
        "CASE WHEN r.n = 0 THEN NULL WHEN s.n = 0 THEN CAST(1 AS DOUBLE PRECISION)"
        " WHEN g.gap > ABS(CAST(f.nulls0 AS DOUBLE PRECISION) / NULLIF(r.n, 0)"
        " - CAST(f.nulls1 AS DOUBLE PRECISION) / NULLIF(s.n, 0)) THEN g.gap"
        " ELSE ABS(CAST(f.nulls0 AS DOUBLE PRECISION) / NULLIF(r.n, 0)"
        " - CAST(f.nulls1 AS DOUBLE PRECISION) / NULLIF(s.n, 0)) END"
    )
    + """
FROM :names AS n
"""
    + _SIZED
    + """
LEFT JOIN :facts AS f ON f.c = n.c LEFT JOIN g ON g.c = n.c
:ordered
"""
)

_CLIPPED = (
    f"CASE WHEN d.e > {MOST!r} THEN {MOST!r} WHEN d.e < -{MOST!r} THEN -{MOST!r} ELSE d.e END"
)
_WASSERSTEIN = (
    f"""
WITH d AS (
  SELECT p.c AS c, p.e AS e, SUM(p.n0) AS n0, SUM(p.n1) AS n1
  FROM :points AS p WHERE ABS(p.e) <= CAST('{FINITE}' AS DOUBLE PRECISION) GROUP BY p.c, p.e
), v AS (
  SELECT d.c AS c, {_CLIPPED} AS v, CAST(d.n0 AS DOUBLE PRECISION) AS n0,
         CASE WHEN d.n0 = d.n1 THEN 0 ELSE 1 END AS differs,
         CAST(SUM(d.n0) OVER (PARTITION BY d.c) AS DOUBLE PRECISION) AS t0,
         CAST(SUM(d.n1) OVER (PARTITION BY d.c) AS DOUBLE PRECISION) AS t1,
         CAST(SUM(d.n0) OVER (PARTITION BY d.c ORDER BY d.e
              ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS DOUBLE PRECISION) AS u0,
         CAST(SUM(d.n1) OVER (PARTITION BY d.c ORDER BY d.e
              ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS DOUBLE PRECISION) AS u1,
         LEAD({_CLIPPED}) OVER (PARTITION BY d.c ORDER BY d.e) AS w
  FROM d
), a AS (
  SELECT v.c AS c, SUM(v.n0 / NULLIF(v.t0, 0) * v.v) AS mean FROM v GROUP BY v.c
), x AS (
  SELECT v.c AS c, MAX(v.t0) AS t0, MAX(v.t1) AS t1, MAX(v.differs) AS differs,
         SQRT(SUM(v.n0 / NULLIF(v.t0, 0) * (v.v - a.mean) * (v.v - a.mean))) AS spread,
         SUM(ABS(v.u0 / NULLIF(v.t0, 0) - v.u1 / NULLIF(v.t1, 0)) * (v.w - v.v)) AS moved
  FROM v INNER JOIN a ON a.c = v.c GROUP BY v.c
)
"""
    + _figure(
        "CASE WHEN r.n = 0 OR s.n = 0 THEN NULL"
        " WHEN COALESCE(x.t0, 0) = 0 AND COALESCE(x.t1, 0) = 0 THEN CAST(0 AS DOUBLE PRECISION)"
        " WHEN x.t0 = 0 OR x.t1 = 0 THEN NULL"
        " WHEN x.differs = 0 THEN CAST(0 AS DOUBLE PRECISION)"
        " WHEN x.spread = 0 THEN NULL ELSE x.moved / NULLIF(x.spread, 0) END"
    )
    + """
FROM :names AS n
"""
    + _SIZED
    + """
LEFT JOIN x ON x.c = n.c
:ordered
"""
)


def of_texts(site: Site) -> Iterator[Statement]:
    """Coverage and total variation of categories."""
    yield _finished(site, "coverage", _COVERAGE, True)
    yield _finished(site, "tvd", _TVD, True)


_BOTH = """
WITH b AS (
  SELECT l.c AS c, l.v AS v, SUM(CASE WHEN l.side = 0 THEN l.n ELSE 0 END) AS n0,
         SUM(CASE WHEN l.side = 1 THEN l.n ELSE 0 END) AS n1
  FROM :listed AS l GROUP BY l.c, l.v
)
"""

_COVERAGE = (
    _BOTH
    + _figure(
        "CASE WHEN r.n = 0 THEN NULL WHEN s.n = 0 THEN CAST(0 AS DOUBLE PRECISION)"
        " WHEN COALESCE(x.listed, 0) = 0 THEN CAST(1 AS DOUBLE PRECISION)"
        " ELSE x.covered / NULLIF(x.listed, 0) END"
    )
    + """
FROM :names AS n
"""
    + _SIZED
    + """
INNER JOIN :named AS d ON d.c = n.c
LEFT JOIN (SELECT b.c AS c, CAST(SUM(b.n0) AS DOUBLE PRECISION) AS listed,
                  CAST(SUM(CASE WHEN b.n1 > 0 THEN b.n0 ELSE 0 END) AS DOUBLE PRECISION) AS covered
           FROM b GROUP BY b.c) AS x ON x.c = n.c
WHERE d.named = 0
"""
)

_TVD = (
    _BOTH
    + """
, g AS (
  SELECT b.c AS c, SUM(b.n0) AS n0, SUM(b.n1) AS n1,
         SUM(ABS(CAST(b.n0 AS DOUBLE PRECISION) / NULLIF(r.n, 0)
               - CAST(b.n1 AS DOUBLE PRECISION) / NULLIF(s.n, 0))) AS gap
  FROM b
"""
    + _SIZED
    + """
  GROUP BY b.c
), x AS (
  SELECT d.c AS c, d.named AS named,
         (COALESCE(g.gap, 0)
          + ABS((r.n - CAST(d.known0 AS DOUBLE PRECISION)) / NULLIF(r.n, 0)
              - (s.n - CAST(d.known1 AS DOUBLE PRECISION)) / NULLIF(s.n, 0))
          + ABS(CAST(d.known0 - COALESCE(g.n0, 0) AS DOUBLE PRECISION) / NULLIF(r.n, 0)
              - CAST(d.known1 - COALESCE(g.n1, 0) AS DOUBLE PRECISION) / NULLIF(s.n, 0))) / 2 AS v
  FROM :named AS d LEFT JOIN g ON g.c = d.c
"""
    + _SIZED
    + """
)
"""
    + _figure(
        "CASE WHEN r.n = 0 THEN NULL WHEN s.n = 0 OR x.v > 1 THEN CAST(1 AS DOUBLE PRECISION)"
        " ELSE x.v END"
    )
    + """
FROM :names AS n
"""
    + _SIZED
    + """
INNER JOIN x ON x.c = n.c
WHERE x.named = 0
"""
)
