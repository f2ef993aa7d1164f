"""Columns as few codes: ten intervals of equally many real rows, or the ten most frequent values.

The intervals are those of ``bins.bins_of``, found by SQL alone: values are walked from edge to edge
(a recursive query of at most 20 steps), where the next edge is the first value by which a tenth of
the rows is reached, or the last one before a value that a tenth of the rows hold.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sqlglot import exp

from synthlake.quality.bins import BINS
from synthlake.quality.emitted.columns import FINITE
from synthlake.quality.emitted.site import SIDES, Counted, Site
from synthlake.quality.emitted.statement import Statement, raw, select, union
from synthlake.quality.marginal import MOST

_EDGES = 2 * BINS  # at most: a full interval has a tenth of the rows, and one before it may not
_NAN = 99
_WIDTH = 40  # columns whose edges stand in one row
_UPTO = "ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW"


def base(site: Site) -> Statement:
    """Values of the real column, or ends of its intervals, with their rows and rank."""
    template = """
    WITH b AS (
      SELECT q.c AS c, q.v AS v, SUM(q.n) AS n
      FROM (SELECT p.c AS c, CASE WHEN p.whole = 1 THEN p.v ELSE p.e END AS v, p.n0 AS n
            FROM :points AS p WHERE p.n0 > 0) AS q
      GROUP BY q.c, q.v
    )
    SELECT b.c AS c, b.v AS v, b.n AS n, ROW_NUMBER() OVER (PARTITION BY b.c ORDER BY b.v) AS i,
           SUM(b.n) OVER (PARTITION BY b.c) AS total,
           MAX(b.v) OVER (PARTITION BY b.c) AS high
    FROM b
    """
    return Statement("base", select(template, points=site.kept("points")), site.kept("base"))


def steps(site: Site) -> Statement:
    """Values by rank with their rows up to there, tenfold; rank 0 stands before the first."""
    template = f"""
    WITH u AS (
      SELECT b.c AS c, b.i AS i, {BINS} * SUM(b.n) OVER (PARTITION BY b.c ORDER BY b.i {_UPTO})
               AS upto,
             CASE WHEN b.total > {BINS} THEN b.total ELSE {BINS} END AS wanted,
             {BINS} * LEAD(b.n) OVER (PARTITION BY b.c ORDER BY b.i) AS later
      FROM :base AS b
    )
    SELECT u.c AS c, u.i AS i, u.upto AS upto, u.wanted AS wanted,
           CASE WHEN u.later >= u.wanted THEN u.i END AS last
    FROM u
    UNION ALL
    SELECT b.c AS c, 0 AS i, 0 AS upto,
           MAX(CASE WHEN b.total > {BINS} THEN b.total ELSE {BINS} END) AS wanted,
           CAST(NULL AS BIGINT) AS last
    FROM :base AS b GROUP BY b.c
    """
    return Statement("steps", select(template, base=site.kept("base")), site.kept("steps"))


def jumps(site: Site) -> Statement:
    """From each value, and from before the first, the next edge: all by rank."""
    template = """
    WITH h AS (
      SELECT s.c AS c, s.i AS i, s.last AS last, k.held AS held,
             CASE WHEN k.held = 1 THEN s.upto ELSE s.upto + s.wanted END AS reached
      FROM :steps AS s CROSS JOIN (SELECT 0 AS held UNION ALL SELECT 1 AS held) AS k
      WHERE s.i > 0 OR k.held = 0
    ), r AS (
      SELECT h.c AS c, h.i AS i, h.held AS held,
             MIN(CASE WHEN h.held = 1 THEN h.i END) OVER (PARTITION BY h.c
               ORDER BY h.reached, h.held
               ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING) AS tenth,
             MIN(CASE WHEN h.held = 1 THEN h.last END) OVER (PARTITION BY h.c
               ORDER BY h.i, h.held DESC
               ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING) AS cut
      FROM h
    )
    SELECT r.c AS c, r.i AS i,
           CASE WHEN r.tenth IS NULL THEN r.cut WHEN r.cut IS NULL THEN r.tenth
                WHEN r.cut < r.tenth THEN r.cut ELSE r.tenth END AS goal
    FROM r WHERE r.held = 0
    """
    return Statement("jumps", select(template, steps=site.kept("steps")), site.kept("jumps"))


def edges(site: Site) -> Statement:
    """Upper ends of all intervals but the last, numbered."""
    template = f"""
    WITH RECURSIVE walk AS (
      SELECT j.c AS c, j.goal AS i FROM :jumps AS j WHERE j.i = 0 AND NOT j.goal IS NULL
      UNION ALL
      SELECT j.c AS c, j.goal AS i FROM walk INNER JOIN :jumps AS j ON j.c = walk.c AND j.i = walk.i
      WHERE NOT j.goal IS NULL
    )
    SELECT b.c AS c, b.v AS v, ROW_NUMBER() OVER (PARTITION BY b.c ORDER BY b.v) AS i
    FROM walk INNER JOIN :base AS b ON b.c = walk.c AND b.i = walk.i
    WHERE b.v < b.high AND ABS(b.v) <= CAST('{FINITE}' AS DOUBLE PRECISION)
    """
    made = select(template, base=site.kept("base"), jumps=site.kept("jumps"))
    return Statement("edges", made, site.kept("edges"))


def grids(site: Site) -> Statement:
    """Mean and spread of the finite real values of a column; no spread for a constant."""
    clipped = (
        f"CASE WHEN b.v > {MOST!r} THEN {MOST!r} WHEN b.v < -{MOST!r} THEN -{MOST!r} ELSE b.v END"
    )
    template = f"""
    WITH f AS (
      SELECT b.c AS c, CAST(b.n AS DOUBLE PRECISION) AS n, {clipped} AS v
      FROM :base AS b WHERE ABS(b.v) <= CAST('{FINITE}' AS DOUBLE PRECISION)
    ), m AS (
      SELECT f.c AS c, SUM(f.n * f.v) / SUM(f.n) AS mean, COUNT(*) AS apart FROM f GROUP BY f.c
    )
    SELECT f.c AS c, MAX(m.mean) AS mean,
           CASE WHEN MAX(m.apart) > 1
                THEN NULLIF(SQRT(SUM(f.n * (f.v - m.mean) * (f.v - m.mean)) / SUM(f.n)), 0)
           END AS spread
    FROM f INNER JOIN m ON m.c = f.c GROUP BY f.c
    """
    return Statement("grids", select(template, base=site.kept("base")), site.kept("grids"))


def tops(site: Site) -> Statement:
    """The most frequent real texts, numbered; ties in binary order."""
    template = f"""
    SELECT o.c AS c, o.v AS v, o.i AS i
    FROM (SELECT l.c AS c, l.v AS v,
                 ROW_NUMBER() OVER (PARTITION BY l.c ORDER BY l.n DESC, l.v) AS i
          FROM :listed AS l WHERE l.side = 0) AS o
    WHERE o.i <= {BINS}
    """
    return Statement("tops", select(template, listed=site.kept("listed")), site.kept("tops"))


def bounds(site: Site) -> Iterator[Statement]:
    """One row a group of columns: their edges, grids, texts and whether they are names."""
    for number, group in enumerate(_groups(site)):
        name = f"bounds{number}"
        parts = [_row_of("edges", "v", "e", group, _EDGES), _row_of("grids", "mean", "m", group),
                 _row_of("grids", "spread", "s", group)]  # fmt: skip
        texts = [c for c in group if not c.ordered]
        if texts:
            parts += [_row_of("named", "named", "d", texts), _row_of("tops", "v", "t", texts, BINS)]
        joined = " CROSS JOIN ".join(f"({part}) AS x{i}" for i, part in enumerate(parts))
        kept = {what: site.kept(what) for what in ("edges", "grids", "named", "tops")}
        yield Statement(name, select(f"SELECT * FROM {joined}", **kept), site.kept(name))


def _row_of(source: str, value: str, mark: str, group: Sequence[Counted], most: int = 0) -> str:
    """A statement with one row: of each column the values, one or numbered."""
    chosen = []
    for column in group:
        for place in range(1, most + 1) if most else [0]:
            test = f"q.c = {column.number}" + f" AND q.i = {place}" * bool(most)
            chosen.append(
                f"MAX(CASE WHEN {test} THEN q.{value} END) AS {_name(column, mark, place)}"
            )
    return f"SELECT {', '.join(chosen)} FROM :{source} AS q"


def _name(column: Counted, mark: str, place: int = 0) -> str:
    return f"c{column.number}{mark}{place}"


def _groups(site: Site) -> list[Sequence[Counted]]:
    columns = site.counted
    return [columns[at : at + _WIDTH] for at in range(0, len(columns), _WIDTH)]


def codes(site: Site) -> Statement:
    """Rows of both sides as codes, and numbers on a grid of 2**-32 standard deviations."""
    parts = []
    for side in SIDES:
        values = ", ".join(f"{c.value} AS v{c.number}" for c in site.counted)
        joined = "".join(f" CROSS JOIN {site.kept(f'bounds{i}')} AS b{i}"
                         for i in range(len(_groups(site))))  # fmt: skip
        tree = select(
            f"SELECT :side AS side FROM (SELECT :chosen FROM :relation AS t) AS r{joined}",
            side=side, chosen=values, relation=site.relation(side),
        )  # fmt: skip
        made = [exp.alias_(_code(site, c), f"c{c.number}") for c in site.counted]
        made += [exp.alias_(_on_grid(site, c), f"x{c.number}") for c in site.counted
                 if gridded(c)]  # fmt: skip
        tree.set("expressions", [*tree.expressions, *made])
        parts.append(tree)
    return Statement("codes", union(parts), site.kept("codes"))


def gridded(column: Counted) -> bool:
    """Whether correlations are of it."""
    return column.field.kind in ("number", "time")


def _of(column: Counted, mark: str, place: int = 0) -> str:
    return f"b{column.number // _WIDTH}.{_name(column, mark, place)}"


def _code(site: Site, column: Counted) -> exp.Expression:
    value = f"r.v{column.number}"
    if column.ordered:
        nan = f"WHEN {site.leaves.nan.format(value)} THEN {_NAN} " * column.field.floating
        return raw(f"CASE WHEN {value} IS NULL THEN 0 {nan}ELSE {_interval(column, value)} END")
    length = f"LENGTH({value})"
    known = " ".join(
        f"WHEN {value} = {_of(column, 't', place)} THEN {place}" for place in range(1, BINS + 1)
    )
    return raw(
        f"CASE WHEN {value} IS NULL THEN 0 WHEN {_of(column, 'd')} = 1 "
        f"THEN {_interval(column, length)} ELSE CASE {known} ELSE {BINS + 1} END END"
    )


def _interval(column: Counted, value: str) -> str:
    """One more than the number of edges that are less."""
    steps = (
        f"CASE WHEN {value} > {_of(column, 'e', place)} THEN 1 ELSE 0 END"
        for place in range(1, _EDGES + 1)
    )
    return "1 + " + " + ".join(steps)


_LIMIT = 2**44
_STEP = f"ROUND((:value - :mean) * ({2**32} / :spread))"


def _on_grid(site: Site, column: Counted) -> exp.Expression:
    template = f"""
    CASE WHEN :nan OR ABS(:value) > CAST('{FINITE}' AS DOUBLE PRECISION) THEN NULL
         WHEN {_STEP} > {_LIMIT} THEN {_LIMIT} WHEN {_STEP} < -{_LIMIT} THEN -{_LIMIT}
         ELSE CAST({_STEP} AS BIGINT) END
    """
    value = f"r.v{column.number}"
    nan = site.leaves.nan.format(value) if column.field.floating else "1 = 0"
    return select(
        template, value=value, nan=nan, mean=_of(column, "m"), spread=_of(column, "s")
    )  # fmt: skip
