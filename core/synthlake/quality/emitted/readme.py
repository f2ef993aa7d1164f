"""How emitted scripts are run, and what their figures are: the README beside them."""

from __future__ import annotations

from collections.abc import Mapping

from synthlake.quality.emitted.dialects import EXECUTED, Leaves

_METRICS = (
    ("schema", 0, "differences of names, order and types of columns, and of NULL where none is"),
    ("rows", 1, "rows of the smaller table by those of the larger"),
    ("null_rate", 0, "difference of the shares of NULL"),
    ("primary_key", 0, "rows beyond the first of each key, and keys with NULL"),
    ("orphans, null_keys", 0, "difference of the shares of references without a parent, or NULL"),
    ("degrees", 1, "1 - KS distance of children per parent"),
    ("constraints", 0, "rows that break a declared rule"),
    ("range", 0, "share of rows outside the real range"),
    ("coverage", 1, "share of real rows whose category occurs in the synthetic data"),
    ("ks", 0, "Kolmogorov-Smirnov distance"),
    ("tvd", 0, "total variation of categories"),
    ("wasserstein", 0, "Wasserstein distance in standard deviations"),
    ("pairs", 0, "total variation of two columns"),
    ("mutual_information", 0, "difference of the normalised mutual information"),
    ("spearman, pearson", 0, "difference of the correlation"),
)


def readme(leaves: Leaves, files: Mapping[str, str], left_out: Mapping[str, str]) -> str:
    """The text.

    Args:
        leaves: of the dialect.
        files: name of the script by table.
        left_out: columns of which only NULLs are counted, and why.
    """
    proven = (
        "Synthlake's tests execute these statements and compare every figure with its own judge's."
        if leaves.name in EXECUTED
        else f"Synthlake's tests have no {leaves.name}: they compare the text of the statements, "
        "which are those that they execute in DuckDB, PostgreSQL and Spark. Read before you rely."
    )
    scripts = "\n".join(f"| `{name}` | {_cell(table)} |" for table, name in files.items())
    metrics = "\n".join(f"| `{name}` | {best} | {what} |" for name, best, what in _METRICS)
    session = (
        "It keeps what it counts as tables `synthlake_t...` of the current schema, as there are no "
        "temporary ones:\nrun it in a scratch schema. It drops them at its end, and changes nothing"
        if leaves.lasting
        else "It keeps what it counts in temporary tables of that session, and changes nothing"
    )
    columns = "\n".join(f"- {_cell(name)}: {_cell(why)}" for name, why in left_out.items())
    return f"""# Real and synthetic data, compared where they lie ({leaves.name})

One script a table. Run each in a session of its own, from the first statement to the last.
{session} else.

The last SELECT gives all figures: `metric, table_name, column_name, other_column, value,
real_value, synthetic_value`. A value of NULL cannot be scored (an empty table, a constant column).

```
{leaves.run.format(next(iter(files.values()), "001.sql"))}
```

{proven}

Both data sets have the same tables and columns; a column that is missing stops the script with the
engine's message. Names are quoted as the schema writes them, capitals included. Figures and counts
leave the engine, what is kept holds values: they are for whoever may read the real data.
To see what other real rows would get (the ceiling), run the scripts on a hold-out in place of the
synthetic data.

| script | table |
|---|---|
{scripts}

| metric | best | what it is |
|---|---|---|
{metrics}

Of these columns only NULLs are counted:

{columns or "- none"}
"""


def _cell(name: str) -> str:
    """A name as it may stand in a table of Markdown."""
    return " ".join(name.replace("|", "\\|").replace("`", "'").split())
