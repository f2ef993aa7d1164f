"""Whether both tables are of one kind: names, order and types of columns, NULL where none is."""

from __future__ import annotations

from collections.abc import Sequence

from sqlglot import exp

from synthlake.quality.emitted.site import SIDES, Site
from synthlake.quality.emitted.statement import Statement, raw, select, text, union

_STANDARD = """
SELECT i.column_name AS name, i.ordinal_position AS place, :type AS type
FROM :catalogue AS i WHERE i.table_name = :table
"""
_DECIMAL = (
    "i.data_type || CASE WHEN i.numeric_precision IS NULL OR i.data_type NOT IN ({0}) THEN '' "
    "ELSE '(' || CAST(i.numeric_precision AS {1}) || ',' || CAST(i.numeric_scale AS {1}) || ')' END"
)
_SPARK = r"""
SELECT g.name AS name, g.place AS place,
       substr(element_at(split(g.types, ',(?![^<(]*[>)])'), g.place + 1), length(g.name) + 2)
         AS type
FROM (SELECT posexplode(json_object_keys(o.j)) AS (place, name), o.types AS types
      FROM (SELECT to_json(struct(t.*), map('ignoreNullFields', 'false')) AS j,
                   substr(typeof(struct(t.*)), 8, length(typeof(struct(t.*))) - 8) AS types
            FROM (SELECT 1 AS one) AS z LEFT JOIN {0} AS t ON 1 = 1 LIMIT 1) AS o) AS g
"""
_DIFFERENCES = """
WITH w AS (:wanted), r AS (:real), f AS (:found), s AS (
  SELECT f.name AS name, f.type AS type, ROW_NUMBER() OVER (ORDER BY f.place) AS place FROM f
), c AS (
  SELECT SUM(CASE WHEN s.name IS NULL THEN 1 ELSE 0 END) AS missing,
         SUM(CASE WHEN s.place <> w.place THEN 1 ELSE 0 END) AS moved,
         SUM(CASE WHEN r.type <> s.type THEN 1 ELSE 0 END) AS changed
  FROM w LEFT JOIN s ON s.name = w.name LEFT JOIN r ON r.name = w.name
), e AS (
  SELECT COUNT(*) AS extra FROM s LEFT JOIN w ON w.name = s.name WHERE w.name IS NULL
)
SELECT :metric AS metric, :table AS table_name, CAST(NULL AS TEXT) AS column_name,
       CAST(NULL AS TEXT) AS other_column,
       CAST(c.missing + e.extra + c.changed + x.n
            + CASE WHEN c.missing = 0 AND e.extra = 0 AND c.moved > 0 THEN 1 ELSE 0 END
            AS DOUBLE PRECISION) AS value,
       CAST(NULL AS DOUBLE PRECISION) AS real_value,
       CAST(NULL AS DOUBLE PRECISION) AS synthetic_value
FROM c CROSS JOIN e
CROSS JOIN (SELECT :unknown AS n FROM :sizes AS p CROSS JOIN :sizes AS q
            WHERE p.side = 0 AND q.side = 1) AS x
"""


def differences(site: Site) -> Statement:
    """Number of differences between the columns of both tables, by the engine's own catalogue."""
    real, found = (_catalogue(site, side) for side in SIDES)
    wanted = union([
        select("SELECT :name AS name, :place AS place", name=text(name), place=place)
        for place, name in enumerate(site.table.written.arrow.names, 1)
    ])  # fmt: skip
    made = select(
        _DIFFERENCES, wanted=wanted, real=real, found=found, metric=text("schema"),
        table=text(site.table.name), sizes=site.kept("sizes"), unknown=_unknown(site),
    )  # fmt: skip
    return Statement("schema", made)


def _unknown(site: Site) -> str:
    """How many columns have NULL where the real one has none."""
    tests = [
        f"CASE WHEN p.n > 0 AND p.c{i} = p.n AND q.c{i} < q.n THEN 1 ELSE 0 END"
        for i, name in enumerate(site.fields)
        if site.table.column(name).action != "null"
    ]
    return " + ".join(tests) or "0"


def _catalogue(site: Site, side: int) -> exp.Expression:
    """Columns of a table: name, place and type."""
    leaves, parts = site.leaves, site.spaces[side]
    if leaves.name == "spark":
        return raw(_SPARK.format(site.stored(side)))
    kinds = {"postgres": ("'numeric'", "TEXT"), "snowflake": ("'NUMBER'", "VARCHAR")}
    typed = _DECIMAL.format(*kinds[leaves.name]) if leaves.name in kinds else "i.data_type"
    tree = select(
        _STANDARD, type=typed, catalogue=_address(site, parts), table=text(site.table.name)
    )
    if isinstance(tree, exp.Select) and leaves.name != "bigquery":
        for name, value in zip(("table_schema", "table_catalog"), reversed(parts), strict=False):
            tree = tree.where(exp.EQ(this=exp.column(name, table="i"), expression=text(value)))
        if leaves.name == "duckdb" and len(parts) == 1:  # which lists all that is attached
            tree = tree.where(raw("i.table_catalog = current_database()"))
    return tree


def _address(site: Site, parts: Sequence[str]) -> str:
    """Where the catalogue is."""
    quoted = [site.leaves.quoted(part) for part in parts]
    if site.leaves.name == "bigquery":
        return ".".join([*quoted, "INFORMATION_SCHEMA.COLUMNS"])
    elsewhere = quoted[:-1] if site.leaves.name == "snowflake" else []
    return ".".join([*elsewhere, "information_schema.columns"])
