"""The columns of a table that are neither references nor made keys: how each comes about."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from synthlake.constraints.clock import ClockSum, midnight_of
from synthlake.constraints.discover import Structure, discover, in_order
from synthlake.constraints.mapping import MapRule, find_maps, find_partial_maps, rearranged
from synthlake.constraints.masks import MaskRule, find_mask_rules
from synthlake.constraints.relative import Linear, balance, clock_gap, find_gap, find_linear
from synthlake.constraints.rule import Cells, Rule
from synthlake.constraints.sums import solve_sums
from synthlake.encode.axis import Axis
from synthlake.encode.numeric import NumericCodec
from synthlake.errors import LearnError
from synthlake.ports import Feature
from synthlake.relational.across import Across
from synthlake.relational.columns import TableData, axis_of, cells_of, codec_of_cells
from synthlake.relational.cuts import codec_for
from synthlake.relational.declare import Declaration, claimed_by, computed, declaration
from synthlake.relational.enforced import Enforced
from synthlake.relational.model import Attribute, Codec, column_id, link_id, view_id
from synthlake.relational.near import find_near, smooth_above
from synthlake.relational.polymorphic import types_of, with_types
from synthlake.relational.spans import since_start
from synthlake.relational.tied import tied
from synthlake.schema.model import Column, Table

_LINEAR_SIZE = 40  # codes from which a column is smooth enough to be learned as a remainder


@dataclass(frozen=True)
class Frame:
    """The attributes of a table, ready to be learned.

    Attributes:
        attributes: in the order in which they are drawn; those that only rules make come last.
        drawn: by feature name, the codes that the synthesizer learns.
        seen: by feature name, the codes that later columns see.
        rules: in the order in which they are applied.
        maps: columns that follow from codes.
        masks: columns whose NULLs follow from each other.
        enforced: what keeps declared rules; None where there are none.
        across: what ties the table to its parents.
    """

    attributes: tuple[Attribute, ...]
    drawn: Mapping[str, Feature]
    seen: Mapping[str, Feature]
    rules: tuple[Rule, ...]
    maps: tuple[MapRule, ...]
    masks: tuple[MaskRule, ...] = ()
    enforced: Enforced | None = None
    across: Across = field(default_factory=Across)


def feature(codec: Codec, codes: np.ndarray) -> Feature:
    """Codes as a feature."""
    return Feature(codes.astype(np.int32), codec.size, codec.ordered)


def build_frame(
    data: TableData, table: Table, columns: Sequence[Column], given: Sequence[str],
    links: Mapping[str, Feature], structured: bool,
) -> Frame:  # fmt: skip
    """Codecs, rules, remainders and maps of a table's attributes.

    Args:
        data: what is learned from.
        table: the table.
        columns: the attributes.
        given: columns that are known before the row is made.
        links: codes of the foreign keys, drawn before the attributes.
        structured: False leaves out all that ties columns to each other.
    """
    learned = [c for c in columns if c.action != "null"]
    said = declaration(data, table)
    codecs = with_types(data, table, {c.name: codec_for(data, c, said.terms) for c in learned})
    cells = _cells(data, table, [c.name for c in learned] + list(given))
    types = {c.name: c.type for c in table.columns}
    axes = {c.name: axis_of(data, c) for c in learned if c.action == "learn" and c.name in cells}
    structure = discover(cells, types, given, axes) if structured and cells else Structure()
    structure = _applicable(said.without(structure), codecs, given)
    kept = [c for c in learned if codecs[c.name] is not None]
    formulas = said.formulas(codecs, cells)
    idle = _idle(structure.rules, cells) | computed(formulas, cells)
    _check_conditions(table, (*structure.rules, *formulas))
    order = _ordered(data, table, [c for c in kept if c.name not in idle], codecs, structure)
    order = said.ordered(order)
    coded = {column_id(c.name): _coded(data, c, codecs) for c in order}
    first = {n: coded[n] for n in map(column_id, table.conditions) if n in coded}
    above = {column_id(n): held.feature for n, held in data.above.items()}
    found = {n: above[n] for n in above if data.above[n.removeprefix(column_id(""))].free}
    searched = {**found, **first, **links, **coded}
    taken = claimed_by(said) | set(data.above) | types_of(table)
    maps = _maps(data, searched, structure, table, taken) if structured else ()
    mapped = {rule.made for rule in maps} | {
        column_id(n) for n in claimed_by(said) - said.terms.claimed
    }
    order = _after(order, maps)
    mapped |= _as_drawn(table, first)
    sums = _sums(structure, codecs, cells, {*mapped, *map(column_id, _fixed(table, said))})
    order = _behind(order, sums)
    cells |= {n: held.upper.cells for n, held in data.above.items() if held.upper.cells is not None}
    attributes = _Attributes(data, cells, codecs, structure, structured, mapped, said, sums).build(
        order
    )
    known = {a.column for a in attributes}
    rest = tuple(
        Attribute(c.name, codecs.get(c.name), learned=False) for c in columns if c.name not in known
    )
    drawn, seen = features_of(data, attributes, cells)
    settled = said.settled([c.name for c in order], codecs, seen)
    joints, drawn, seen = said.joined(said.masked(said.excluded(drawn), settled), seen)
    # what is drawn for a clock comes first: where a rule knows better, it comes after
    rules = in_order([*_gap_rules(attributes, cells), *structure.rules, *formulas])
    masks = _masks(data, attributes, structure.made | claimed_by(said)) if structured else ()
    enforced = said.enforced(joints, settled, rules)
    maps = (*maps, *said.maps({**above, **coded}))
    across = tied(said, coded, attributes, maps)
    return Frame((*attributes, *rest), drawn, seen, rules, maps, masks, enforced, across)


def _check_conditions(table: Table, rules: Sequence[Rule]) -> None:
    """Refuse declared conditions on what a rule makes."""
    for rule in rules:
        for name in set(rule.makes) & set(table.conditions):
            raise LearnError(
                f"{table.name}.{name} follows from {', '.join(rule.needs)}: it cannot be set first",
                hint=f"put {', '.join(rule.needs)} into conditions in its place",
            )


def _cells(data: TableData, table: Table, names: Sequence[str]) -> dict[str, Cells]:
    """Columns on an axis."""
    found = {n: cells_of(data, table.column(n)) for n in names}
    return {n: c for n, c in found.items() if c is not None}


def _applicable(
    structure: Structure, codecs: Mapping[str, Codec | None], given: Sequence[str]
) -> Structure:
    """Rules that find all they need when a row is made: categories are not on an axis by then."""
    known = {n for n, codec in codecs.items() if isinstance(codec, NumericCodec)} | set(given)
    rules: list[Rule] = []
    for rule in structure.rules:
        if known.issuperset(rule.needs):
            rules.append(rule)
            known.update(rule.makes)
    clocks = tuple(n for n in structure.clocks if n in known)
    return Structure(tuple(rules), clocks, structure.near)


def _idle(rules: Sequence[Rule], cells: Mapping[str, Cells]) -> set[str]:
    """Columns that a rule makes in every row in which they are known."""
    out = set()
    for rule in rules:
        unknown = np.zeros(len(next(iter(cells.values())).null), bool)
        for name in rule.needs:
            unknown = unknown | cells[name].null
        out |= {n for n in rule.makes if not (unknown & ~cells[n].null).any()}
    return out


def _ordered(
    data: TableData, table: Table, columns: Sequence[Column],
    codecs: Mapping[str, Codec | None], structure: Structure,
) -> list[Column]:  # fmt: skip
    """Parts of the key, categories by size, then numbers: without NULL first, remade ones last.

    Declared conditions come before all of them, and then what the schema says of the order.
    """

    def rank(place: int) -> tuple[float, ...]:
        column = columns[place]
        codec = codecs[column.name]
        if column.name in table.conditions:
            return (-3.0, float(table.conditions.index(column.name)))
        if column.name in table.order:
            return (-2.0, float(table.order.index(column.name)))
        if column.name in table.primary_key:
            return (-1.0, float(place))
        if codec is None or not codec.ordered:
            return (0.0, float(codec.size if codec else 0), place)
        nulls = data.of(column.name).nulls / max(data.of(column.name).rows, 1)
        remade = float(column.name in structure.made)
        return (1.0 + remade, round(nulls, 2), place)

    return [columns[i] for i in sorted(range(len(columns)), key=rank)]


@dataclass(frozen=True)
class _Attributes:
    """Decides for each column whether it is learned as it is or as a remainder."""

    data: TableData
    cells: Mapping[str, Cells]
    codecs: Mapping[str, Codec | None]
    structure: Structure
    structured: bool
    mapped: set[str]
    said: Declaration
    sums: Mapping[str, Mapping[str, int]]

    def build(self, order: Sequence[Column]) -> tuple[Attribute, ...]:
        """Attributes in order."""
        out: list[Attribute] = []
        smooth = smooth_above(self.data)
        for column in order:
            codec = self.codecs[column.name]
            attribute = self._measured(Attribute(column.name, codec))
            if self.structured and isinstance(codec, NumericCodec):
                if column.name not in claimed_by(self.said):
                    attribute = self._related(attribute, smooth, {a.column for a in out})
                exact = not codec.axis.continuous and column.name not in self.said.terms.made
                if attribute.base is None and exact:
                    smooth[column.name] = self._clipped(column.name)
            out.append(attribute)
        return tuple(out)

    def _measured(self, attribute: Attribute) -> Attribute:
        """A column that declared rules put above others, as its distance from them."""
        gap = self.said.gap(attribute.column, self.codecs)
        if gap is None:
            return attribute
        gap, drawn = self.said.measured(gap, self.cells, attribute.column)
        return replace(attribute, drawn=drawn, gap=gap)

    def _clipped(self, name: str) -> Cells:
        """A column within its supported range, so that no single row bends a polynomial."""
        codec, cells = self.codecs[name], self.cells[name]
        if not isinstance(codec, NumericCodec) or not len(codec.low):
            return cells
        return Cells(np.clip(cells.ticks, codec.low[0], codec.high[-1]), cells.null)

    def _related(self, attribute: Attribute, smooth: dict[str, Cells], done: set[str]) -> Attribute:
        """A clock as minutes after another; a smooth number as a remainder."""
        name, group, k = attribute.column, self.data.group, self.data.k
        made = name in self.structure.made
        if column_id(name) in self.mapped or (made and name not in self.structure.clocks):
            return attribute
        if name in self.structure.clocks:
            bases = [c for c in self.structure.clocks if self._known(c, done) and not made]
            base = find_gap(self.cells, name, bases) or ""
            if not base and not _has_ranges(attribute.codec):
                return attribute
            gap = clock_gap(self.cells[name], self.cells.get(base))
            smooth[view_id(name)] = gap
            return replace(attribute, drawn=codec_of_cells(gap, group, k), base=base)
        codec = attribute.codec
        if codec is None or self._continuous(name):
            return attribute
        near = find_near(self.data, name, self.cells[name], codec)
        if near is not None:
            return replace(attribute, drawn=near[1], gap=near[0])
        linear = self._balance(name, smooth) or since_start(self.data, self.cells[name], codec)
        if linear is None and codec.size >= _LINEAR_SIZE:
            linear = find_linear(smooth, name, self._clipped(name))
        if linear is None:
            return attribute
        rest = linear.forward(smooth, self._clipped(name))
        return replace(attribute, drawn=codec_of_cells(rest, group, k), linear=linear)

    def _balance(self, name: str, smooth: Mapping[str, Cells]) -> Linear | None:
        """What a column is by numbers before it with which it nearly always adds up."""
        signs = self.sums.get(name, {})
        if not signs or not signs.keys() <= smooth.keys():
            return None
        own, *others = (axis.decimals or 0 for axis in map(self._axis, (name, *signs)))
        weights = zip(signs.items(), others, strict=True)
        return balance({n: sign * 10.0 ** (own - d) for (n, sign), d in weights})

    def _axis(self, name: str) -> Axis:
        codec = self.codecs[name]
        assert isinstance(codec, NumericCodec)
        return codec.axis

    def _continuous(self, name: str) -> bool:
        codec = self.codecs[name]
        return isinstance(codec, NumericCodec) and (codec.axis.continuous or bool(codec.special))

    def _known(self, clock: str, done: set[str]) -> bool:
        """Whether a clock comes about without the one that would be measured from it."""
        sums = {r.clock for r in self.structure.rules if isinstance(r, ClockSum)}
        return clock not in sums and (clock in done or clock in self.structure.made)


def _as_drawn(table: Table, first: Collection[str]) -> set[str]:
    """Features that are no remainders: what conditions set, and declared sums of steps."""
    stepped = table.sequence.increasing if table.sequence is not None else ()
    return {*first, *map(column_id, stepped)}


def _fixed(table: Table, said: Declaration) -> set[str]:
    """Columns whose place in the order, or whose value, is declared."""
    return {*table.conditions, *table.order, *table.primary_key, *said.terms.claimed}


def _sums(
    structure: Structure, codecs: Mapping[str, Codec | None], cells: Mapping[str, Cells],
    taken: Collection[str],
) -> dict[str, dict[str, int]]:  # fmt: skip
    """Columns that are made from others with which they nearly always add up."""
    sizes = {}
    for near in structure.near:
        for name in (near.total, *near.parts):
            codec = codecs.get(name)
            if isinstance(codec, NumericCodec) and column_id(name) not in taken:
                unit = 10.0 ** -(codec.axis.decimals or 0)
                there = cells[name].ticks[~cells[name].null]
                sizes[name] = (codec.size, float(np.std(there)) * unit)
    return solve_sums(structure.near, sizes)


def _behind(columns: Sequence[Column], sums: Mapping[str, Mapping[str, int]]) -> list[Column]:
    """The same order, but for columns that are made from others, which come after these."""
    todo, done = list(columns), list[Column]()
    names = {c.name for c in columns}
    while todo:
        there = {c.name for c in done}
        ready = (c for c in todo if (sums.get(c.name, {}).keys() & names) <= there)
        done.append(next(ready, todo[0]))
        todo.remove(done[-1])
    return done


def _has_ranges(codec: Codec | None) -> bool:
    """Whether numbers between two values are drawn: of a clock, 11:75 may be among them."""
    return isinstance(codec, NumericCodec) and bool((codec.low < codec.high).any())


def _gap_rules(attributes: Sequence[Attribute], cells: Mapping[str, Cells]) -> list[Rule]:
    """Clocks that are drawn as gaps, put together again."""
    rules: list[Rule] = []
    for attribute in attributes:
        if attribute.base is not None:
            name, midnight = attribute.column, midnight_of(cells[attribute.column])
            rules.append(ClockSum(name, attribute.base, view_id(name), midnight))
    return rules


def features_of(
    data: TableData, attributes: Sequence[Attribute], cells: Mapping[str, Cells]
) -> tuple[dict[str, Feature], dict[str, Feature]]:
    """Codes that are drawn, and codes that later columns see."""
    drawn, seen = {}, {}
    smooth = smooth_above(data)
    for attribute in attributes:
        name, codec = attribute.column, attribute.codec
        if codec is None:
            continue
        key = column_id(name)
        values = feature(codec, codec.encode(data.sample[name]))
        drawn[key] = seen[key] = values
        if isinstance(codec, NumericCodec) and len(codec.low):
            ticks = np.clip(cells[name].ticks, codec.low[0], codec.high[-1])
            smooth[name] = Cells(ticks, cells[name].null)
        if attribute.base is not None and attribute.drawn is not None:
            gap = clock_gap(cells[name], cells.get(attribute.base))
            smooth[view_id(name)] = gap
            drawn[key] = seen[key] = feature(
                attribute.drawn, attribute.drawn.encode_ticks(gap.ticks, gap.null)
            )
        elif attribute.gap is not None and attribute.drawn is not None:
            gap = attribute.gap.forward(cells, cells[name])
            drawn[key] = feature(attribute.drawn, attribute.drawn.encode_ticks(gap.ticks, gap.null))
        elif attribute.linear is not None and attribute.drawn is not None:
            rest = attribute.linear.forward(smooth, smooth[name])
            drawn[key] = feature(
                attribute.drawn, attribute.drawn.encode_ticks(rest.ticks, rest.null)
            )
    return drawn, seen


def _coded(data: TableData, column: Column, codecs: Mapping[str, Codec | None]) -> Feature:
    """A column by its own codec."""
    codec = codecs[column.name]
    if codec is None:
        return Feature(np.full(data.sample.num_rows, -1, np.int32), 0, False)
    return feature(codec, codec.encode(data.sample[column.name]))


def _maps(
    data: TableData, codes: Mapping[str, Feature], structure: Structure, table: Table,
    claimed: set[str],
) -> tuple[MapRule, ...]:  # fmt: skip
    """Columns that follow from one or two others, codes to codes; declared rules come first."""
    free = [n for n in codes if n not in {column_id(c) for c in structure.made}]
    given = [n for n in free if not codes[n].ordered]
    free = [n for n in free if n not in {column_id(c) for c in claimed}]
    made = [n for n in free if n.startswith(column_id("")) and codes[n].size > 1]
    fixed = {column_id(n) for n in table.primary_key}
    found = find_maps(codes, given, made, data.group, data.k, fixed)
    taken = fixed | {rule.made for rule in found}
    links = [n for n in map(link_id, range(len(table.foreign_keys))) if n in given]
    left = [n for n in made if n not in taken]
    return (*found, *find_partial_maps(codes, links, left, data.group, data.k))


def _after(columns: Sequence[Column], maps: Sequence[MapRule]) -> list[Column]:
    """Columns in an order in which each comes after those that a map makes it from."""
    by_id = {column_id(c.name): c for c in columns}
    return [by_id[n] for n in rearranged(list(by_id), maps)]


def _masks(
    data: TableData, attributes: Sequence[Attribute], taken: set[str]
) -> tuple[MaskRule, ...]:
    """NULLs that follow from each other, among columns that are drawn with their own."""
    names = [a.column for a in attributes
             if a.codec is not None and a.base is None and a.column not in taken]  # fmt: skip
    if not names:
        return ()
    null = np.stack([np.asarray(data.sample[n].is_null()) for n in names], axis=1)
    return find_mask_rules(null, names, data.group, data.k)
