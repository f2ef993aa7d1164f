"""What a run is about to do: order, modes, sizes, and what it will not be able to do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from sqlglot import exp

from synthlake.errors import SpecError
from synthlake.pipeline.broken import broken_rules
from synthlake.pipeline.capacity import capacity, grid
from synthlake.pipeline.crowded import crowded
from synthlake.pipeline.estimate import Estimate, Size, affordable_rows, estimate, fitting_rows
from synthlake.pipeline.made import made_notes
from synthlake.pipeline.memory import too_little
from synthlake.pipeline.spec import GateSpec, SynthesisSpec
from synthlake.ports import Source
from synthlake.schema.honoured import unanswered
from synthlake.schema.model import ForeignKey, Schema, Table
from synthlake.schema.nearest import nearest
from synthlake.source.flattened import flattened


@dataclass(frozen=True)
class KeyPlan:
    """A foreign key as the run will make it."""

    label: str
    mode: str
    orphans: str


@dataclass(frozen=True)
class TablePlan:
    """A table as the run will make it.

    Attributes:
        name: of the table.
        made: how: the name of a synthesizer, ``keep``, ``skip`` or ``empty``.
        root: the table at the top of its own parents, which decides its size.
        rows: of the source.
        wanted: rows to make; for children an expectation, as their number is an outcome.
        columns: that are made.
        keys: its foreign keys.
        capacity: most distinct primary keys, None if no bound is known from the schema.
    """

    name: str
    made: str
    root: str
    rows: int
    wanted: int
    columns: int
    keys: tuple[KeyPlan, ...] = ()
    capacity: int | None = None

    @property
    def child(self) -> bool:
        """Whether another table decides its size."""
        return self.root != self.name


@dataclass(frozen=True)
class Plan:
    """What a run is about to do.

    Attributes:
        tables: in the order in which they are made.
        estimate: of memory and time.
        max_rows: rows of the sample to learn from.
        holdout: share of roots that is not learned from.
        notes: what is worth knowing.
        problems: what stops the run, each with its remedy.
    """

    tables: tuple[TablePlan, ...]
    estimate: Estimate
    max_rows: int
    holdout: float
    notes: tuple[str, ...] = ()
    problems: tuple[str, ...] = field(default=())

    def demand(self) -> None:
        """Go on only if nothing stops the run.

        Raises:
            SpecError: something does.
        """
        if self.problems:
            count = len(self.problems)
            raise SpecError(
                "\n".join(self.problems),
                hint=f"{'this stops' if count == 1 else f'these {count} stop'} the run; "
                "`synthlake plan SPEC` shows all of it",
            )

    def headline(self) -> str:
        """The plan in a line."""
        made = [t for t in self.tables if t.made != "skip"]
        return (
            f"{len(made)} tables, {sum(t.wanted for t in made):,} rows, about "
            f"{self.estimate.memory_mb:,} MB and {self.estimate.seconds:,} s"
        )

    def to_dict(self) -> dict[str, Any]:
        """The plan as plain values."""
        return asdict(self)


def plan_run(source: Source, schema: Schema, spec: SynthesisSpec) -> Plan:
    """Look at a source without learning from it.

    Cost: a count of rows a table, of the parents that a child's rows have, of distinct values in
        the parts of a root's composite key, and of the rows that break each declared rule.

    Raises:
        SchemaError: the tables refer to each other in a cycle.
        SpecError: the spec asks for tables or rows that cannot be.
    """
    _check_names(schema, spec)
    source = flattened(source, schema)
    look = _Look(source, schema, spec, {t.name: _count(source, t.name) for t in schema})
    tables = [look.plan(table) for table in schema.order()]
    tables += [look.plan(table) for table in schema if table.skip]
    sizes = [Size(t.rows, t.wanted, t.columns) for t in tables if t.made not in ("skip", "keep")]
    allowed = affordable_rows(sizes, spec.fit.max_rows, spec.fit.max_minutes)
    problems = [said for t in tables for said in _problems(t, schema[t.name], look)]
    problems += [f"{said}: {way}" for said, way in unanswered(schema, look.rows)]
    if (memory := too_little(sizes, allowed)) is not None:
        problems.append(": ".join(memory))
    problems += crowded(schema, look.rows, {t.name: t.wanted for t in tables}, look.parents)
    return Plan(
        tuple(tables),
        estimate(sizes, allowed, spec.evaluate.tier),
        allowed,
        spec.holdout.share,
        (
            *_notes(tables, allowed, spec),
            *made_notes(schema),
            *broken_rules(source, schema, look.rows),
        ),
        tuple(problems),
    )


def _count(source: Source, table: str) -> int:
    engine = source.engine()
    counted = engine.query(f"SELECT COUNT(*) AS n FROM {engine.relation(table)}")
    return int(counted.column(0)[0].as_py())


def _check_names(schema: Schema, spec: SynthesisSpec) -> None:
    for name in spec.sizes:
        _check_root(schema, name, "rows")
    for name in spec.scale if isinstance(spec.scale, Mapping) else ():
        _check_root(schema, name, "scale")
    for number, gate in enumerate(spec.gates):
        _check_gate(schema, gate, f"gates.{number}")
    _check_evaluated(schema, spec)


def _check_evaluated(schema: Schema, spec: SynthesisSpec) -> None:
    if spec.evaluate.target is not None:
        _check_target(schema, spec.evaluate.target, "evaluate.target")
    for asked in spec.evaluate.regressions:
        table = asked.target.partition(".")[0]
        for name in (asked.target, *(f"{table}.{f}" for f in asked.features)):
            _check_target(schema, name, "evaluate.regressions")
    if spec.evaluate.custom:
        from synthlake.quality.custom.metric import check_customs

        check_customs(spec.evaluate.customs, schema)
    for audit in spec.evaluate.fairness:
        table = audit.target.partition(".")[0]
        for name in (audit.target, *(f"{table}.{c}" for c in audit.protected)):
            _check_target(schema, name, "evaluate.fairness")


def _check_gate(schema: Schema, gate: GateSpec, where: str) -> None:
    if gate.table is not None and gate.table not in schema:
        raise SpecError(
            f"{where}: there is no table {gate.table!r}", hint=nearest(gate.table, schema.tables)
        )
    if gate.column is None:
        return
    columns = [
        c.name for t in schema for c in t.columns if not t.skip and gate.table in (None, t.name)
    ]
    if gate.column not in columns:
        raise SpecError(
            f"{where}: there is no column {gate.column!r}", hint=nearest(gate.column, columns)
        )


def _check_target(schema: Schema, target: str, where: str) -> None:
    table, dot, column = target.rpartition(".")
    if not dot or table not in schema or not schema[table].has(column):
        known = [f"{t.name}.{c.name}" for t in schema for c in t.columns if not t.skip]
        raise SpecError(f"{where}: there is no column {target!r}", hint=nearest(target, known))


def _check_root(schema: Schema, name: str, key: str) -> None:
    roots = [t.name for t in schema if not (t.skip or t.keep) and t.own is None]
    if name not in schema:
        raise SpecError(f"{key}: there is no table {name!r}", hint=nearest(name, roots))
    if schema[name].own is not None:
        root = schema.chain(name)[-1]
        raise SpecError(
            f"{key}: the size of {name} follows from its parent and cannot be chosen",
            hint=f"give {key} of its root instead: {{{root}: ...}}",
        )
    if name not in roots:
        raise SpecError(
            f"{key}: {name} is not scaled", hint="tables with keep or skip have the source's rows"
        )


@dataclass(frozen=True)
class _Look:
    source: Source
    schema: Schema
    spec: SynthesisSpec
    rows: Mapping[str, int]

    def plan(self, table: Table) -> TablePlan:
        root = self.schema.chain(table.name)[-1]
        return TablePlan(
            name=table.name,
            made=_made(table, self.rows[table.name], self.spec),
            root=root,
            rows=self.rows[table.name],
            wanted=_wanted(table, root, self.spec, self.rows),
            columns=len(table.written.arrow),
            keys=tuple(
                KeyPlan(
                    fk.label(table.name),
                    "last" if fk in table.loops else fk.mode or "match",
                    fk.orphans,
                )
                for fk in table.references
            ),
            capacity=None if table.skip or table.keep else self._capacity(table),
        )

    def parents(self, table: Table, fk: ForeignKey) -> int:
        """Distinct parents that the rows of a table refer to."""
        engine = self.source.engine()
        names = ", ".join(exp.column(n, quoted=True).sql(engine.dialect) for n in fk.columns)
        keys = f"SELECT DISTINCT {names} FROM {engine.relation(table.name)}"
        found = engine.query(f"SELECT COUNT(*) AS n FROM ({keys}) AS d")
        return int(found.column(0)[0].as_py())

    def over_made(self, table: Table) -> ForeignKey | None:
        """A reference within a grid, such as airport x hour, whose parents' keys are made anew."""
        if table.own is not None or self._grid(table) is None:
            return None
        inside = [fk for fk in table.foreign_keys if {*fk.columns} & {*table.primary_key}]
        wide = [fk for fk in inside if len(fk.columns) > 1]
        return next((fk for fk in wide if not self.schema[fk.references].keep), None)

    def _capacity(self, table: Table) -> int | None:
        known = capacity(table)
        return known if known is not None or table.own is not None else self._grid(table)

    def _grid(self, table: Table) -> int | None:
        if len(table.primary_key) < 2:
            return None
        engine = self.source.engine()
        counts = [
            exp.Count(this=exp.Distinct(expressions=[exp.column(name, quoted=True)]))
            for name in table.primary_key
        ]
        chosen = ", ".join(count.sql(dialect=engine.dialect) for count in counts)
        found = engine.query(f"SELECT {chosen} FROM {engine.relation(table.name)}")
        return grid([column[0].as_py() for column in found.columns], self.rows[table.name])


def _made(table: Table, rows: int, spec: SynthesisSpec) -> str:
    if table.skip or table.keep:
        return "skip" if table.skip else "keep"
    if rows == 0:
        return "empty"
    return str((table.synthesizer or {}).get("name", spec.synthesizer.name))


def _wanted(table: Table, root: str, spec: SynthesisSpec, rows: Mapping[str, int]) -> int:
    if table.skip:
        return 0
    if table.keep or not rows[root]:
        return rows[table.name]
    share = spec.scale.get(root, 1.0) if isinstance(spec.scale, Mapping) else spec.scale
    share = spec.sizes[root] / rows[root] if root in spec.sizes else share
    return round(rows[table.name] * share)


def _problems(plan: TablePlan, table: Table, look: _Look) -> list[str]:
    if plan.made in ("skip", "keep", "empty"):
        return []
    said = []
    k, own = look.spec.k, table.own
    entities = plan.rows if own is None else look.parents(table, own)
    if plan.made != "independent" and entities < k:
        whose = "rows" if own is None else f"parents in {own.references}"
        public = f"give {own.references} `keep: true` (public as it is); or " if own else ""
        said.append(
            f"{plan.name} has {entities} {whose}, and nothing that fewer than k = {k} share is "
            f"learned: {public}give {plan.name} `keep: true`, `skip: true`, "
            f"`synthesizer: independent`, or a smaller `k:`"
        )
    fk = look.over_made(table)
    if fk is not None:
        said.append(
            f"the primary key of {plan.name} is a grid over rows of {fk.references}, whose keys "
            f"are made anew: give {fk.references} `keep: true` (public as it is), or "
            f"{fk.label(plan.name)} `mode: own`"
        )
    if plan.child and plan.capacity is not None and plan.wanted > plan.capacity:
        said.append(
            f"{plan.name}({', '.join(table.primary_key)}) has room for {plan.capacity:,} keys, and "
            f"{plan.wanted:,} are wanted: give a wider pattern, or fewer `rows:` of {plan.root}"
        )
    return said


def _notes(tables: list[TablePlan], allowed: int, spec: SynthesisSpec) -> list[str]:
    notes = [
        f"{t.name} cannot grow to {t.wanted:,} rows: its key has room for about {t.capacity:,}; it "
        "is held there, and its children grow with the scale instead"
        for t in tables
        if not t.child and t.capacity is not None and t.wanted > t.capacity
    ]
    total = sum(t.rows for t in tables if t.made not in ("skip", "keep"))
    if total > allowed:
        notes.append(f"learns from an intact sample of at most {allowed:,} of {total:,} rows")
    if allowed < spec.fit.max_rows:
        notes.append(f"fit.max_minutes lowers fit.max_rows to {allowed:,}")
    roots = max(
        (t.rows for t in tables if not t.child and t.made not in ("skip", "keep")), default=0
    )
    if spec.holdout.share and roots < MIN_HOLDOUT_ROOTS:
        notes.append(f"below {MIN_HOLDOUT_ROOTS} roots nothing is held out: no ceiling")
    notes += too_large(tables, allowed, spec.evaluate.tier)
    empty = [t.name for t in tables if t.made == "empty"]
    if empty:
        notes.append(f"empty in the source, and so in the twin: {', '.join(empty)}")
    return notes


def too_large(tables: list[TablePlan], allowed: int, tier: str) -> list[str]:
    """That a run needs much memory: which table takes most of it, and how many rows would do."""
    learned = [t for t in tables if t.made not in ("skip", "keep", "empty")]
    sizes = [Size(t.rows, t.wanted, t.columns) for t in learned]
    needed = estimate(sizes, allowed, tier).memory_mb
    if needed <= MUCH_MB:
        return []
    most = max(learned, key=lambda t: t.rows * t.columns)
    fewer = fitting_rows(sizes, allowed, needed, MUCH_MB)
    return [
        f"about {needed:,} MB are needed, most of it for the {most.columns:,} columns of "
        f"{most.name}: with `fit: {{max_rows: {fewer}}}` it is about {MUCH_MB:,} MB; columns that "
        "nobody needs can have `action: skip`"
    ]


MIN_HOLDOUT_ROOTS = 500
MUCH_MB = 2_000  # of memory, from which the plan says what takes it
