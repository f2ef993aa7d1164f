"""What a model's manifest and tensors hold, said by table and column."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from numpy.typing import NDArray

from synthlake.schema.identity import schema_from_json
from synthlake.schema.model import Table
from synthlake.store.canonical import canonical_json

Json = Mapping[str, Any]
_CODECS = {
    "numeric": "ranges of values",
    "categorical": "categories",
    "text": "shapes of texts",
    "presence": "whether there is a value",
    "template": "templates of texts",
    "octets": "lengths of binary values and their common bits",
}
_PARTS = {"yearday": "day of the year", "weekday1": "weekday"}
_FEATURES = {"n": "children by", "p": "code for", "m": "time of children:",
             "j": "combination of rule", "b": "the item before:"}  # fmt: skip


@dataclass(frozen=True)
class Entry:
    """Something that is stored.

    Attributes:
        table: that it belongs to; empty for the whole.
        place: a column, a foreign key, or what else it is about.
        what: in words.
        count: of values.
        bytes: that it takes.
    """

    table: str
    place: str
    what: str
    count: int
    bytes: int


def contents(manifest: Json, tensors: Mapping[str, NDArray[Any]]) -> list[Entry]:
    """Everything that was learned; what has no words of its own is listed by its name."""
    tables = manifest.get("tables", {})
    found: list[Entry] = []
    left = dict(tensors)
    for table in schema_from_json(manifest["schema"]):
        form = tables.get(table.name)
        if form is None:
            continue
        start = f"{table.name}/"
        mine = {n.removeprefix(start): left.pop(n) for n in list(left) if n.startswith(start)}
        found += _Contents(table, dict(form), mine).entries()
    found += [Entry("", n, "setting", _leaves(v), _size(v)) for n, v in manifest.items()
              if n not in ("tables", "schema")]  # fmt: skip
    return found + [_tensor("", name, held) for name, held in left.items()]


@dataclass
class _Contents:
    """One table; what is said is taken away, so that the rest can be listed too."""

    table: Table
    form: dict[str, Any]
    tensors: dict[str, NDArray[Any]]
    found: list[Entry] = field(default_factory=list)

    def entries(self) -> list[Entry]:
        """All entries."""
        self._say("", "rows of the source", self.form.pop("rows", None), 1)
        self._key()
        for number, link in enumerate(self.form.pop("links", ())):
            self._link(number, link)
        for loop in self.form.pop("loops", ()):
            said = f"reference, written last: {len(loop['lumps'])} groups of levels"
            self._say(self.table.loops[loop["place"]].label(self.table.name), said, loop, 1)
        for number, calendar in enumerate(self.form.pop("calendars", ())):
            self._codec(
                calendar["column"], f"calendars/{number}", calendar["codec"], "known before"
            )
            unit = calendar["unit"]
            self._say(calendar["column"], "parts of its date" if unit else "", calendar["zone"], 1)
        for number, attribute in enumerate(self.form.pop("attributes", ())):
            self._attribute(number, attribute)
        for number, (label, form) in enumerate(sorted(self.form.pop("degrees", {}).items())):
            self._codec(f"children by {label}", f"degrees/{number}", form)
        self._spans(self.form.pop("spans", None))
        for form in self.form.pop("spelled", ()):
            needs = " and ".join(dict.fromkeys(p["column"] for p in form["ways"][0] if p["column"]))
            said = f"identifier: spelled from {needs}, in {form['shares'][0]:.0%} of the rows"
            self._say(form["column"], said, form, len(form["ways"]))
        self._rules()
        self._synthesizer(self.form.pop("synthesizer", None))
        self._made(self.form.pop("made", {}))
        self._enforced(self.form.pop("enforced", None))
        self._across(self.form.pop("across", {}))
        self._lists()
        self._sequence(self.form.pop("sequence", None))
        self._drawing()
        for name, value in self.form.items():
            self._say("", name, value, _leaves(value))
        self.found += [_tensor(self.table.name, n, held) for n, held in self.tensors.items()]
        order = {c.name: place for place, c in enumerate(self.table.columns, 1)}
        return sorted(
            self.found, key=lambda e: order.get(e.place, len(order) + 1 if e.place else 0)
        )

    def _spans(self, form: Json | None) -> None:
        """When rows have children."""
        if form is None:
            return
        self._say(
            "", "children are close together in time, by", f"{form['table']}.{form['column']}", 1
        )
        self._codec("first child", "spans/start", form["start"])
        self._codec("from the first child to the last", "spans/length", form["length"])

    def _rules(self) -> None:
        """What makes columns from others, or their NULLs."""
        for rule in self.form.pop("rules", ()):
            self._say(_made(rule), f"rule: {str(rule.get('rule', '')).replace('_', ' ')}", rule, 1)
        for number, rule in enumerate(self.form.pop("maps", ())):
            given = " and ".join(map(self._feature, rule["given"]))
            self._say(self._feature(rule["made"]), f"map from {given}", rule, 0, f"maps/{number}")
        for mask in self.form.pop("masks", ()):
            then = mask["then"]
            others = " and ".join(then or mask["columns"][1:])
            what = f"where it is NULL, so is {others}" if then else f"NULL together with {others}"
            self._say(mask["columns"][0], f"rule: {what}", mask, 1)

    def _across(self, form: Mapping[str, Any]) -> None:
        """What ties the table to its parents and its children: names, codes of marks, and sums."""
        for copy in form.get("copies", ()):
            self._say(copy["column"], f"copy of {copy['of']}", copy, 1)
        for mark in form.get("marks", ()):
            self._say(mark["column"], "rule: one row of a family is marked", mark, 1)
        for balance in form.get("balances", ()):
            self._say(balance["column"], "rule: adds up over each family", balance, 1)
        for total in form.get("totals", ()):
            of = f"{total['child']}.{total['part']}" if total["part"] else total["child"]
            self._say(total["column"], f"rule: {total['function']} of {of}", total, 1)
        for place in form.get("places", ()):
            self._say("", f"reads {place['name']} of its parents", place, 1)

    def _say(self, place: str, what: str, value: Any, count: int, tensors: str = "") -> None:
        """One entry; its count and bytes include the tensors below a name."""
        held = self._take(tensors) if tensors else []
        if not what or (value in (None, [], {}) and not held):
            return
        count += max((int(t.size) for t in held), default=0)
        taken = sum(int(t.nbytes) for t in held)
        self.found.append(Entry(self.table.name, place, what, count, _size(value) + taken))

    def _take(self, start: str) -> list[NDArray[Any]]:
        names = [n for n in self.tensors if n.startswith(f"{start}/")]
        return [self.tensors.pop(n) for n in names]

    def _key(self) -> None:
        key = self.form.pop("key", None)
        if key is None:
            return
        place = ", ".join(self.table.primary_key)
        if key["key"] == "slots":
            for axis in key["axes"]:
                values = axis["values"]
                what = "key: values of a side of its grid" if values else "key: regular series"
                self._say(axis["column"], what, axis, len(values or ()) or 3)
        elif key["key"] == "text":
            self._say(place, "key: patterns and their weights", key, len(key["patterns"]))
        else:
            self._say(place, "key: numbers that grow", key, 2)

    def _made(self, made: Json) -> None:
        """What makes identifiers and personal data."""
        for form in made.get("identifiers", ()):
            what = "numbers that grow" if "numbers" in form else "patterns and their weights"
            self._say(form["column"], f"identifier: {what}", form, len(form.get("patterns", "ab")))
        people = made.get("personal") or {"people": (), "words": {}}
        if people.get("apart"):
            said = "personal: whose repeats are told apart, by how they are spelled"
            self._say(people["apart"], said, people["way"], 1)
        for form in people["people"]:
            said = f"personal: {form['kind']}, {form['locale']}; nothing learned but its form"
            self._say(form["column"], said, form, _leaves(form))
        for locale, words in people["words"].items():
            self._say("", f"word lists of Faker, {locale}", words, _leaves(words))

    def _link(self, number: int, link: Json) -> None:
        label = self.table.foreign_keys[number].label(self.table.name)
        missing = link["phantoms"]
        rest = {k: v for k, v in link.items() if k not in ("values", "phantoms")}
        said = (
            f"{link['kind']}, {link['codes']} groups of parents" if link["codes"] else link["kind"]
        )
        self._say(label, f"reference: {said}", rest, 1)
        if link["values"]:
            rows = max(map(len, link["values"].values()))
            self._say(label, "public keys that k entities refer to", link["values"], rows)
        if missing is not None:
            place = f"links/{number}"
            held = {k: v for k, v in missing.items() if k not in ("degrees", "synthesizer")}
            self._say(label, "parents that are missing: numbers only", held, _leaves(held))
            self._codec(f"children by missing parents of {label}", f"{place}/degrees",
                        missing["degrees"])  # fmt: skip
            self._trees(f"missing parents of {label}: ", f"{place}/trees", missing["synthesizer"])

    def _attribute(self, number: int, attribute: Json) -> None:
        place, column = f"attributes/{number}", attribute["column"]
        self._codec(column, f"{place}/drawn", attribute["drawn"], "of what is drawn in its place")
        self._codec(column, place, attribute["codec"])
        linear = attribute["linear"]
        if linear is not None:
            needs = ", ".join(linear["needs"])
            self._say(column, f"polynomial of {needs}", linear, len(linear["weights"]))
        gap = attribute.get("gap")
        if gap is not None:
            above = ", ".join(str(below[0]) for below in gap["below"])
            self._say(column, f"drawn as distance from {above}: supported ends", gap, 3)
        if attribute["base"] is not None:
            self._say(column, f"drawn as minutes after {attribute['base']}", attribute["base"], 1)

    def _enforced(self, form: Json | None) -> None:
        """What keeps declared rules."""
        if form is None:
            return
        for name, columns in form["joints"].items():
            place = ", ".join(map(self._feature, columns))
            self._say(place, "combinations that k entities share", columns, 0, f"joints/{name}")
        for rule in form["settled"]:
            place = ", ".join(map(self._feature, rule["columns"]))
            self._say(place, f"declared: {rule['rule']}", rule, 1)
        for unique in form["unique"]:
            self._say(unique["made"]["column"], "values made of the row's number", unique, 1)
        self._say("", "numbers of rules that rows are drawn again for", form["tried"],
                  len(form["tried"]))  # fmt: skip

    def _sequence(self, form: Json | None) -> None:
        """The order of the rows, and what draws a row given the one before it."""
        if form is None:
            return
        self._say(form["by"], f"order of the rows: {form['kind']}", form["start"], 1)
        for number, (name, steps) in enumerate(sorted(form["increments"].items())):
            self._codec(self._feature(name), f"sequence/{number}", steps["codec"], "of steps")
        for name, length in form["walks"].items():
            self._say(self._feature(name), "how far it wanders in a step of time", length, 1)
        self._trees("", "sequence/trees", form["later"])

    def _drawing(self) -> None:
        """Parts of dates that other columns are drawn given, and which draw of a row is kept."""
        for dated in self.form.pop("dates", ()):
            parts = ", ".join(_PARTS.get(part, part) for part in dated["parts"])
            self._say(dated["column"], f"known of it to columns after it: {parts}", dated, 1)
        refined = self.form.pop("refined", None)
        if refined is not None:
            what = f"which of {refined['tries']} draws of a row is kept, by its columns and pairs"
            self._say("", what, refined, 0, "refined")

    def _codec(self, place: str, tensors: str, form: Json | None, more: str = "") -> None:
        if form is None:
            return
        if form["codec"] == "prose":
            self._prose(place, form)
            return
        listed = (form.get(key) for key in ("values", "shapes", "templates", "forms"))
        values = next(filter(None, listed), ())
        own = {n: self.tensors[f"{tensors}/{n}"] for n in ("low", "high")
               if f"{tensors}/{n}" in self.tensors}  # fmt: skip
        for name in own:
            del self.tensors[f"{tensors}/{name}"]
        count = len(values) or max((int(t.size) for t in own.values()), default=0)
        taken = sum(int(t.nbytes) for t in own.values())
        what = " ".join(filter(None, [_CODECS.get(form["codec"], form["codec"]), more]))
        kept = {n: form.get(n) or {} for n in ("words", "at", "lengths")}
        own_size = _size({n: v for n, v in form.items() if n not in kept})
        self.found.append(Entry(self.table.name, place, what, count, own_size + taken))
        said = ("words that many texts share", "of these, words by their place",
                "lengths of words that are made up")  # fmt: skip
        for held, words in zip(kept.values(), said, strict=True):
            self._say(place, words, held, sum(len(c[0]) for c in held.values()))

    def _prose(self, place: str, form: Json) -> None:
        """Chains of words."""
        tokens, topics = [*form["tokens"], *form["last"]], form["topics"]
        chain = {name: form[name] for name in ("starts", "targets", "weights")}
        self._say(place, "lengths of texts, by topic", form["lengths"], len(form["lengths"]))
        self._say(place, "words that many texts share", tokens, len(tokens))
        self._say(place, "which of these follow which", chain, len(chain["targets"]))
        self._say(place, "words that tell topics apart", topics, len(topics["words"]))

    def _synthesizer(self, form: Json | None) -> None:
        """The model of the table, by column where it says which columns it has."""
        if form is None:
            return
        if "name" not in form:  # of the items of lists, always trees
            self._trees("", "model", form)
            return
        package = f" of the package {form['package']}" if "package" in form else ""
        self._say("", f"synthesizer: {form['name']}{package}", form["name"], 1)
        model = form["model"]
        if "chosen" in model:
            for tried in model["evidence"]:
                self._say("", f"tournament: {tried['said']}", tried, 1)
            self._synthesizer(model["chosen"])
        elif "steps" in model:
            self._trees("", "model", model)
        else:
            self._cells(form["name"], model)

    def _cells(self, name: str, model: Json) -> None:
        """Tensors ``N/...`` are of the N-th of the model's ``columns``; others stand for all."""
        rest = {key: value for key, value in model.items() if key != "columns"}
        self._say("", f"settings of {name}", rest, _leaves(rest))
        for number, column in enumerate(model.get("columns", ())):
            held = self._take(f"model/{number}")
            taken = sum(int(t.nbytes) for t in held) + _size(column)
            count = max((int(t.size) for t in held), default=0)
            place = self._feature(column)
            self.found.append(Entry(self.table.name, place, f"cells of {name}", count, taken))

    def _lists(self) -> None:
        """The items of lists, as tables of their own."""
        flat = self.form.pop("flat", None)
        if flat is not None:
            names = [c["name"] for table in flat["tables"] for c in table["columns"]]
            self._say("", "columns that nested ones are learned as", flat, len(names))
        for number, (name, form) in enumerate(sorted(self.form.pop("lists", {}).items())):
            start = f"lists/{number}/"
            names = [n for n in self.tensors if n.startswith(start)]
            mine = {n.removeprefix(start): self.tensors.pop(n) for n in names}
            table = next(iter(schema_from_json(form["flat"])))
            inner = _Contents(table, dict(form), mine).entries()
            self.found += [
                replace(e, table=self.table.name, place=f"{name}[].{e.place}".rstrip("."))
                for e in inner
            ]

    def _trees(self, place: str, tensors: str, form: Json | None) -> None:
        for number, step in enumerate(form["steps"] if form else ()):
            held = {n: t for n, t in self.tensors.items() if n.startswith(f"{tensors}/{number}/")}
            nodes = held.get(f"{tensors}/{number}/tree/feature")
            cells = held.get(f"{tensors}/{number}/leaves/key")
            taken = sum(int(t.nbytes) for t in self._take(f"{tensors}/{number}"))
            asks = len(set(step["asks"]))
            what = f"tree over {asks} features, {0 if nodes is None else nodes.size:,} nodes: cells"
            self.found.append(
                Entry(self.table.name, place + self._feature(step["column"]), what,
                      0 if cells is None else int(cells.size), _size(step) + taken)
            )  # fmt: skip

    def _feature(self, name: str) -> str:
        """A feature as a person calls it."""
        kind, mark, rest = name.partition(":")
        if not mark:
            return name
        if kind == "f":
            return self.table.foreign_keys[int(rest)].label(self.table.name)
        if kind == "v":
            return f"level by {self.table.loops[int(rest)].label(self.table.name)}"
        if kind == "o":
            return f"its parent's {rest.partition(':')[2] or rest}"
        return " ".join(filter(None, [_FEATURES.get(kind, ""), rest]))


def _made(rule: Json) -> str:
    """The column that a rule makes, or the one that it starts from."""
    named = (rule.get(key) for key in ("made", "clock", "column", "source", "total"))
    return next((str(name).lstrip("~") for name in named if name), "")


def _tensor(table: str, name: str, held: NDArray[Any]) -> Entry:
    shape = "×".join(map(str, held.shape)) or "1"
    return Entry(table, name, f"{held.dtype} {shape}", int(held.size), held.nbytes)


def _size(value: Any) -> int:
    return len(canonical_json(value))


def _leaves(value: Any) -> int:
    if isinstance(value, Mapping):
        return sum(map(_leaves, value.values()))
    return sum(map(_leaves, value)) if isinstance(value, list | tuple) else 1
