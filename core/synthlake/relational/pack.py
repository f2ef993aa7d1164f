"""A model as JSON values, tensors and public tables, and back. No code is stored."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from synthlake.constraints.discover import rule_from_json
from synthlake.constraints.gap import gap_from_json
from synthlake.constraints.mapping import MapRule
from synthlake.constraints.masks import mask_rule_from_json
from synthlake.constraints.relative import linear_from_json
from synthlake.encode.axis import Axis, plain
from synthlake.encode.categorical import CategoricalCodec
from synthlake.encode.nested import list_nodes
from synthlake.encode.numeric import NumericCodec
from synthlake.encode.octets import OctetsCodec
from synthlake.encode.pattern import Pattern
from synthlake.encode.presence import PresenceCodec
from synthlake.encode.prose import ProseCodec
from synthlake.encode.rhythm import Rhythm
from synthlake.encode.template import TemplateCodec
from synthlake.encode.text import TextCodec
from synthlake.models import registry
from synthlake.models.ratio import Ratio, Refinement
from synthlake.models.trees import Trees
from synthlake.ports import FittedSynthesizer
from synthlake.relational.across import Across, across_from_json
from synthlake.relational.dated import Dated
from synthlake.relational.enforced import Enforced, Joint, Unique, settled_from_json
from synthlake.relational.keys import Busy, KeyMaker, NumberKey, SlotAxis, SlotKey, TextKey
from synthlake.relational.making import pack_makers, unpack_makers
from synthlake.relational.model import (
    Attribute,
    Calendar,
    Codec,
    Kin,
    Link,
    Loop,
    Model,
    Phantoms,
    Spans,
    TableModel,
)
from synthlake.relational.sequence import Increment, Sequence
from synthlake.relational.spelled import Spelled
from synthlake.relational.unnest import Plans, plans_of, under_of, without_views
from synthlake.schema.identity import schema_from_json, schema_to_json
from synthlake.schema.model import ForeignKey, Schema, Table
from synthlake.schema.types import type_from_json, type_to_json
from synthlake.store.parts import Parts

Json = Mapping[str, Any]
_BINARY = (pa.types.is_binary, pa.types.is_large_binary, pa.types.is_fixed_size_binary)
_MADE: dict[str, type[TextCodec | TemplateCodec | ProseCodec | OctetsCodec]] = {
    held.name: held for held in (TextCodec, TemplateCodec, ProseCodec, OctetsCodec)
}


def pack_model(model: Model) -> Parts:
    """All of a model; ``unpack_model`` gives an equal one."""
    tensors: dict[str, NDArray[Any]] = {}
    tables = {name: _Packer(name, tensors).table(table) for name, table in model.tables.items()}
    kept = {name: table.kept for name, table in model.tables.items() if table.kept is not None}
    held = {"schema": schema_to_json(model.schema), "scope": model.scope, "k": model.k,
            "tables": tables}  # fmt: skip
    return Parts(held, tensors, kept)


def unpack_model(parts: Parts) -> Model:
    """The model that ``pack_model`` took apart."""
    held = parts.manifest
    schema = schema_from_json(held["schema"])
    models = {}
    for table in schema.order():
        form = held["tables"][table.name]
        reader = _Reader(table.name, parts.tensors)
        models[table.name] = reader.table(table, form, parts.tables.get(table.name))
    return Model(schema, models, held["scope"], held["k"])


class _Packer:
    """Takes one table apart."""

    def __init__(self, name: str, tensors: dict[str, NDArray[Any]]) -> None:
        self._name, self._tensors = name, tensors

    def table(self, table: TableModel) -> dict[str, Any]:
        """One table."""
        return {
            "rows": table.rows,
            "key": _pack_key(table.key),
            "calendars": [self._calendar(n, c) for n, c in enumerate(table.calendars)],
            "links": [self._link(n, link) for n, link in enumerate(table.links)],
            "attributes": [self._attribute(n, a) for n, a in enumerate(table.attributes)],
            "dates": [dated.to_json() for dated in table.dates],
            "degrees": {
                label: self._codec(f"degrees/{n}", codec)
                for n, (label, codec) in enumerate(sorted(table.degrees.items()))
            },
            "codes": dict(table.codes),
            "order": list(table.order),
            "rules": [rule.to_json() for rule in table.rules],
            "maps": [self._map(n, rule) for n, rule in enumerate(table.maps)],
            "masks": [rule.to_json() for rule in table.masks],
            "distinct": list(table.distinct),
            "apart": list(table.apart),
            **({"unlike": list(table.unlike)} if table.unlike else {}),
            "made": pack_makers(table.made),
            "synthesizer": self._synthesizer("model", table.synthesizer),
            "enforced": self._enforced(table.enforced),
            **({"across": table.across.to_json()} if table.across != Across() else {}),
            "sequence": self._sequence(table.sequence),
            **(
                {"loops": [_pack_loop(table.table, loop) for loop in table.loops]}
                if table.loops
                else {}
            ),
            **self._refined(table.refined),
            **self._spans(table.spans),
            **({"spelled": [s.to_json() for s in table.spelled]} if table.spelled else {}),
            **self._nested(table),
        }

    def _refined(self, refined: Refinement | None) -> dict[str, Any]:
        if refined is None:
            return {}
        held, tensors = refined.ratio.to_artifact()
        self._put("refined", tensors)
        return {"refined": {"tries": refined.tries, **held}}

    def _spans(self, spans: Spans | None) -> dict[str, Any]:
        if spans is None:
            return {}
        held = {"start": self._codec("spans/start", spans.start),
                "length": self._codec("spans/length", spans.length)}  # fmt: skip
        return {"spans": {"table": spans.table, "column": spans.column, **held}}

    def _nested(self, table: TableModel) -> dict[str, Any]:
        """Flat columns of nested ones, and the items of lists."""
        if not table.plans:
            return {}
        lists = {
            name: _Packer(f"{self._name}/lists/{n}", self._tensors).table(items)
            for n, (name, items) in enumerate(sorted(table.lists.items()))
        }
        return {"flat": schema_to_json(Schema({table.table.name: table.table})), "lists": lists}

    def _put(self, place: str, tensors: Mapping[str, NDArray[Any]]) -> None:
        for name, tensor in tensors.items():
            self._tensors[f"{self._name}/{place}/{name}"] = np.ascontiguousarray(tensor)

    def _codec(self, place: str, codec: Codec | None) -> dict[str, Any] | None:
        if codec is None:
            return None
        if isinstance(codec, NumericCodec):
            self._put(place, codec.tensors())
            return {"codec": "numeric", "type": type_to_json(codec.axis.type), **codec.to_json()}
        held = type_to_json(codec.type)
        if isinstance(codec, TextCodec | TemplateCodec | ProseCodec | OctetsCodec):
            return {"codec": codec.name, "type": held, **codec.to_json()}
        if isinstance(codec, PresenceCodec):
            return {"codec": "presence", "type": held}
        return {"codec": "categorical", "type": held, "values": _pack_values(codec.values)}

    def _calendar(self, number: int, calendar: Calendar) -> dict[str, Any]:
        return {"column": calendar.column, "unit": calendar.unit, "zone": calendar.zone,
                "codec": self._codec(f"calendars/{number}", calendar.codec)}  # fmt: skip

    def _attribute(self, number: int, attribute: Attribute) -> dict[str, Any]:
        return {
            "column": attribute.column,
            "codec": self._codec(f"attributes/{number}", attribute.codec),
            "drawn": self._codec(f"attributes/{number}/drawn", attribute.drawn),
            "linear": attribute.linear.to_json() if attribute.linear else None,
            "base": attribute.base,
            "learned": attribute.learned,
            "gap": attribute.gap.to_json() if attribute.gap else None,
        }

    def _link(self, number: int, link: Link) -> dict[str, Any]:
        values = None
        if link.values is not None:
            values = {n: _pack_values(plain(link.values[n])) for n in link.values.column_names}
        return {
            "kind": link.kind, "values": values, "rest": link.rest,
            "shares": [list(s) for s in link.shares], "codes": link.codes,
            "null_rows": link.null_rows, "mean": link.mean,
            "phantoms": self._phantoms(f"links/{number}", link.phantoms),
            **({"related": True} if link.related else {}),
            **({"slices": link.slices} if link.slices else {}),
            **({"kin": asdict(link.kin)} if link.kin else {}),
            **({"once": True} if link.once else {}),
            **({"whole": True} if link.whole else {}), **({"lost": link.lost} if link.lost else {}),
        }  # fmt: skip

    def _phantoms(self, place: str, phantoms: Phantoms | None) -> dict[str, Any] | None:
        if phantoms is None:
            return None
        return {
            "keys": phantoms.keys, "weights": list(phantoms.weights), "mean": phantoms.mean,
            "degrees": self._codec(f"{place}/degrees", phantoms.degrees),
            "synthesizer": self._synthesizer(f"{place}/trees", phantoms.synthesizer),
        }  # fmt: skip

    def _map(self, number: int, rule: MapRule) -> dict[str, Any]:
        self._put(f"maps/{number}", rule.tensors())
        return rule.to_json()

    def _enforced(self, enforced: Enforced | None) -> dict[str, Any] | None:
        if enforced is None:
            return None
        for name, joint in enforced.joints.items():
            self._put(f"joints/{name}", {"table": joint.table})
        unique = [{"made": _pack_key(u.maker), "label": u.label} for u in enforced.unique]
        return {**enforced.to_json(), "unique": unique}

    def _sequence(self, sequence: Sequence | None) -> dict[str, Any] | None:
        if sequence is None:
            return None
        steps = {
            name: {"codec": self._codec(f"sequence/{n}", held.codec), "sign": held.sign,
                   "strict": held.strict}
            for n, (name, held) in enumerate(sorted(sequence.increments.items()))
        }  # fmt: skip
        return {
            "kind": sequence.kind, "by": sequence.by, "start": sequence.start, "increments": steps,
            "later": self._synthesizer("sequence/trees", sequence.later),
            "walks": dict(sequence.walks),
        }  # fmt: skip

    def _synthesizer(self, place: str, fitted: FittedSynthesizer | None) -> Any:
        if fitted is None:
            return None
        held, tensors = fitted.to_artifact()
        self._put(place, tensors)
        return held


class _Reader:
    """Puts one table together."""

    def __init__(self, name: str, tensors: Mapping[str, NDArray[Any]]) -> None:
        start = f"{name}/"
        self._tensors = {n[len(start) :]: t for n, t in tensors.items() if n.startswith(start)}
        self._names = sorted(self._tensors)

    def table(
        self, table: Table, form: Json, kept: pa.Table | None, plans: Plans | None = None
    ) -> TableModel:
        """One table; of items of a list, whose plans the caller has, the schema's is their own."""
        plans = plans_of(table) if plans is None else plans
        table = without_views(table)
        if form.get("flat"):
            table = next(iter(schema_from_json(form["flat"])))
        return TableModel(
            table=table,
            rows=form["rows"],
            key=_unpack_key(form["key"], table),
            calendars=tuple(self._calendar(n, c) for n, c in enumerate(form["calendars"])),
            links=tuple(
                self._link(n, fk, table, form["links"][n])
                for n, fk in enumerate(table.foreign_keys)
                if n < len(form["links"])
            ),
            attributes=tuple(self._attribute(n, a) for n, a in enumerate(form["attributes"])),
            dates=tuple(Dated.from_json(held) for held in form.get("dates", ())),
            degrees={
                label: self._numeric(f"degrees/{n}", held)
                for n, (label, held) in enumerate(sorted(form["degrees"].items()))
            },
            codes=form["codes"],
            order=tuple(form["order"]),
            rules=tuple(rule_from_json(r) for r in form["rules"]),
            maps=tuple(self._map(n, m) for n, m in enumerate(form["maps"])),
            masks=tuple(mask_rule_from_json(m) for m in form.get("masks", ())),
            distinct=tuple(form["distinct"]),
            apart=tuple(form.get("apart", ())),
            unlike=tuple(form.get("unlike", ())),
            synthesizer=self._synthesizer("model", form["synthesizer"]),
            enforced=self._enforced(form.get("enforced"), table),
            across=across_from_json(form.get("across", {})),
            sequence=self._sequence(form.get("sequence")),
            refined=self._refined(form.get("refined")),
            kept=kept,
            made=unpack_makers(form["made"], table),
            plans=plans,
            under=under_of(plans),
            lists=self._lists(plans, form.get("lists", {})),
            loops=tuple(
                _unpack_loop(table.loops[held["place"]], held) for held in form.get("loops", ())
            ),
            spans=self._spans(form.get("spans")),
            spelled=tuple(Spelled.from_json(held) for held in form.get("spelled", ())),
        )

    def _lists(self, plans: Plans, form: Json) -> dict[str, TableModel]:
        """The items of lists."""
        nodes = {n.name: n for plan in plans.values() for n in list_nodes(plan)}
        out = {}
        for number, (name, held) in enumerate(sorted(form.items())):
            reader = _Reader(f"lists/{number}", self._tensors)
            items = {part.name: part for part in nodes[name].parts}
            out[name] = reader.table(Table(name, ()), held, None, items)
        return out

    def _sequence(self, form: Json | None) -> Sequence | None:
        if form is None:
            return None
        steps = {
            name: Increment(self._numeric(f"sequence/{n}", held["codec"]), held["sign"],
                            held["strict"])
            for n, (name, held) in enumerate(sorted(form["increments"].items()))
        }  # fmt: skip
        later = Trees().from_artifact(form["later"], self._part("sequence/trees"))
        return Sequence(form["kind"], form["by"], form["start"], later, steps, form["walks"])

    def _refined(self, form: Json | None) -> Refinement | None:
        if form is None:
            return None
        return Refinement(form["tries"], Ratio.from_artifact(form, self._part("refined")))

    def _spans(self, form: Json | None) -> Spans | None:
        if form is None:
            return None
        codecs = (self._numeric(f"spans/{n}", form[n]) for n in ("start", "length"))
        return Spans(form["table"], form["column"], *codecs)

    def _part(self, place: str) -> dict[str, NDArray[Any]]:
        start, after = f"{place}/", f"{place}0"  # the character that follows the slash
        some = self._names[bisect_left(self._names, start) : bisect_left(self._names, after)]
        return {n[len(start) :]: self._tensors[n] for n in some}

    def _numeric(self, place: str, form: Json) -> NumericCodec:
        part = self._part(place)
        axis = Axis(type_from_json(form["type"]), form["decimals"], form["shifted"])
        rhythm = Rhythm.from_json(form.get("rhythm"))
        special = tuple(form["special"])
        return NumericCodec(axis, part["low"], part["high"], form["step"], special, rhythm)

    def _codec(self, place: str, form: Json | None) -> Codec | None:
        if form is None:
            return None
        if form["codec"] == "numeric":
            return self._numeric(place, form)
        dtype = type_from_json(form["type"])
        if form["codec"] in _MADE:
            return _MADE[form["codec"]].from_json(form, dtype)
        if form["codec"] == "presence":
            return PresenceCodec(dtype)
        return CategoricalCodec(dtype, _unpack_values(form["values"], dtype))

    def _calendar(self, number: int, form: Json) -> Calendar:
        codec = self._codec(f"calendars/{number}", form["codec"])
        return Calendar(form["column"], form["unit"], form["zone"], codec)

    def _attribute(self, number: int, form: Json) -> Attribute:
        place = f"attributes/{number}"
        drawn = self._numeric(f"{place}/drawn", form["drawn"]) if form["drawn"] else None
        linear = linear_from_json(form["linear"]) if form["linear"] else None
        codec = self._codec(place, form["codec"])
        gap = gap_from_json(form["gap"]) if form.get("gap") else None
        return Attribute(form["column"], codec, drawn, linear, form["base"], form["learned"], gap)

    def _link(self, number: int, fk: ForeignKey, table: Table, form: Json) -> Link:
        values = None
        if form["values"] is not None:
            types = {n: table.column(n).type for n in fk.columns}
            values = pa.table({n: _unpack_values(form["values"][n], types[n]) for n in fk.columns})
        phantoms = self._phantoms(f"links/{number}", form["phantoms"])
        shares = tuple((int(n), float(mean)) for n, mean in form.get("shares", ()))
        held = {n: v for n, v in form.get("kin", {}).items() if n != "groups"}  # of older versions
        kin = Kin(**held) if held else None
        return Link(fk, form["kind"], values, form["rest"], shares, form["codes"], phantoms,
                    form["null_rows"], form["mean"], form.get("related", False),
                    form.get("slices", 0), kin, form.get("whole", False),
                    form.get("once", False), form.get("lost", 0.0))  # fmt: skip

    def _phantoms(self, place: str, form: Json | None) -> Phantoms | None:
        if form is None:
            return None
        degrees = self._numeric(f"{place}/degrees", form["degrees"]) if form["degrees"] else None
        fitted = self._synthesizer(f"{place}/trees", form["synthesizer"])
        return Phantoms(form["keys"], tuple(form["weights"]), degrees, fitted, form["mean"])

    def _map(self, number: int, form: Json) -> MapRule:
        part = self._part(f"maps/{number}")
        given, width = tuple(form["given"]), form["width"]
        varied = part.get("varied", np.zeros(0, np.int64))
        entries = part["keys"], part["values"]
        return MapRule(given, form["made"], width, *entries, form.get("other"), varied)

    def _enforced(self, form: Json | None, table: Table) -> Enforced | None:
        if form is None:
            return None
        joints = {
            name: Joint(tuple(columns), self._part(f"joints/{name}")["table"])
            for name, columns in form["joints"].items()
        }
        unique = []
        for held in form["unique"]:
            maker = _unpack_key(held["made"], table)
            assert maker is not None
            unique.append(Unique(maker.columns[0], maker, held["label"]))
        return Enforced(
            joints, settled_from_json(form["settled"]), tuple(unique), tuple(form["tried"])
        )

    def _synthesizer(self, place: str, form: Json | None) -> FittedSynthesizer | None:
        if form is None:
            return None
        if "name" not in form:  # of missing parents, always trees
            return Trees().from_artifact(form, self._part(place))
        return registry.unpack(form, self._part(place))


def _pack_values(values: pa.Array[Any]) -> list[Any]:
    """Values as JSON: text as it is, bytes in hexadecimal, the rest as Arrow writes it."""
    if any(test(values.type) for test in _BINARY):
        return [v.hex() if v is not None else None for v in values.to_pylist()]
    return list(values.cast(pa.string()).to_pylist())


def _unpack_values(values: list[Any], dtype: pa.DataType) -> pa.Array[Any]:
    """The values that ``_pack_values`` gave."""
    dtype = dtype.value_type if pa.types.is_dictionary(dtype) else dtype
    if any(test(dtype) for test in _BINARY):
        return pa.array([bytes.fromhex(v) if v is not None else None for v in values], dtype)
    return pa.array(values, pa.string()).cast(dtype)


def _pack_key(key: KeyMaker | None) -> dict[str, Any] | None:
    if isinstance(key, TextKey):
        patterns = [list(p.alphabets) for p in key.patterns]
        return {"key": "text", "column": key.columns[0], "patterns": patterns,
                "weights": list(key.weights), "check": key.check}  # fmt: skip
    if isinstance(key, NumberKey):
        return {"key": "number", "column": key.columns[0], "start": key.start, "step": key.step,
                "limit": key.limit}  # fmt: skip
    if isinstance(key, SlotKey):
        busy = None
        if key.busy is not None:
            busy = {"column": key.busy.column, "unit": key.busy.unit, "zone": key.busy.zone,
                    "hours": list(key.busy.hours)}  # fmt: skip
        return {"key": "slots", "axes": [_pack_axis(a) for a in key.axes], "busy": busy}
    return None


def _pack_axis(axis: SlotAxis) -> dict[str, Any]:
    values = _pack_values(axis.values) if axis.values is not None else None
    return {"column": axis.column, "values": values, "start": axis.start, "step": axis.step,
            "count": axis.count}  # fmt: skip


def _unpack_key(form: Json | None, table: Table) -> KeyMaker | None:
    if form is None:
        return None
    if form["key"] == "slots":
        axes = []
        for held in form["axes"]:
            dtype = table.column(held["column"]).type
            values = None if held["values"] is None else _unpack_values(held["values"], dtype)
            axes.append(
                SlotAxis(held["column"], dtype, values, held["start"], held["step"], held["count"])
            )
        busy = form["busy"]
        hours = Busy(**{**busy, "hours": tuple(busy["hours"])}) if busy else None
        return SlotKey(tuple(axes), hours)
    columns, dtype = (form["column"],), table.column(form["column"]).type
    if form["key"] == "number":
        return NumberKey(columns, dtype, form["start"], form["step"], form["limit"])
    patterns = tuple(Pattern(tuple(p)) for p in form["patterns"])
    return TextKey(columns, dtype, patterns, tuple(form["weights"]), form["check"])


def _pack_loop(table: Table, loop: Loop) -> dict[str, Any]:
    place = table.loops.index(loop.fk)
    return {
        "place": place, "lumps": list(loop.lumps), "within": loop.within,
        "phantoms": loop.phantoms, "itself": loop.itself,
    }  # fmt: skip


def _unpack_loop(fk: ForeignKey, form: Json) -> Loop:
    return Loop(fk, tuple(form["lumps"]), form["within"], form["phantoms"], form["itself"])
