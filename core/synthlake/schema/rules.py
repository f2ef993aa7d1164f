"""Rules of a table's rows as a spec declares them: one model a kind, told apart by their keys."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from synthlake import plugins
from synthlake.errors import SchemaError
from synthlake.schema.nearest import nearest

Name = Annotated[str, Field(min_length=1)]
Two = Annotated[tuple[Name, ...], Field(min_length=2)]
Some = Annotated[tuple[Name, ...], Field(min_length=1)]
Predicate = Annotated[str, Field(min_length=1)]
Via = tuple[Name, ...]
Decimals = Annotated[int, Field(ge=0, le=15, strict=True)]


def _written(value: Any) -> Any:
    """Dates and times as text, as JSON has neither."""
    if isinstance(value, bool):
        raise ValueError("a bound is a number, a date or a time")
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat(*([" "] if isinstance(value, datetime.datetime) else []))
    return str(value) if isinstance(value, Decimal) else value


def _number(value: Any) -> Any:
    """A number; a decimal as text, as JSON has none."""
    if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
        raise ValueError("it is no number")
    try:
        finite = Decimal(str(value)).is_finite()
    except InvalidOperation:
        finite = False
    if not finite:
        raise ValueError("it is no number")
    return str(value) if isinstance(value, Decimal) else value


Bound = Annotated[int | float | str | None, BeforeValidator(_written)]
Number = Annotated[int | float | str, BeforeValidator(_number)]


class RuleDocument(BaseModel):
    """What all kinds share: unknown keys are errors, values do not change."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    def held(self) -> dict[str, Any]:
        """The rule as a table holds it: what is said, as JSON values."""
        said = self.model_dump(mode="json", exclude_defaults=True, by_alias=True)
        return {key: list(v) if isinstance(v, tuple) else v for key, v in said.items()}


class RangeRule(RuleDocument):
    """``min <= range <= max``; NULL is in every range."""

    range: Name
    min: Bound = None
    max: Bound = None
    exclusive: bool = False


class InequalityRule(RuleDocument):
    """Each column is at most the next, or below it; ``table.column`` is one of a parent."""

    inequality: Two
    strict: bool = False
    via: Via = ()


class FixedCombinationsRule(RuleDocument):
    """Only combinations that the real data has."""

    fixed_combinations: Two


class UniqueRule(RuleDocument):
    """No two rows are equal in these columns; rows with a NULL in them are not compared."""

    unique: Some


class OneHotRule(RuleDocument):
    """Exactly one column is 1 or true; the others are 0, false or NULL."""

    one_hot: Two


class SumRule(RuleDocument):
    """``sum = of[0] + of[1] + ...``, rounded to ``decimals``."""

    sum: Name
    of: Two
    decimals: Decimals | None = None


class DifferenceRule(RuleDocument):
    """``difference = of[0] - of[1]``, rounded to ``decimals``; of dates, in days."""

    difference: Name
    of: Annotated[tuple[Name, Name], Field()]
    decimals: Decimals | None = None


class RatioRule(RuleDocument):
    """``ratio = of[0] / of[1]``, rounded to ``decimals``; NULL where ``of[1]`` is 0."""

    ratio: Name
    of: Annotated[tuple[Name, Name], Field()]
    decimals: Decimals | None = None


class NullTogetherRule(RuleDocument):
    """All columns are NULL, or none is."""

    null_together: Two


class ExclusiveRule(RuleDocument):
    """At most one column is set: not NULL, not 0, not false."""

    exclusive: Two


class DeterminesRule(RuleDocument):
    """Rows that agree in all columns of ``determines`` agree in ``column``."""

    determines: Some
    column: Name
    via: Via = ()


class RegexRule(RuleDocument):
    """The whole text matches a pattern of literals, classes and counts."""

    regex: Name
    pattern: Annotated[str, Field(min_length=1)]


class WhenRule(RuleDocument):
    """Rows in which ``when`` is true do not have a false ``then``."""

    when: Predicate
    then: Predicate


class PredicateRule(RuleDocument):
    """No row has a false ``predicate``."""

    predicate: Predicate


class CopyRule(RuleDocument):
    """The column has the value of ``table.column`` of its row's parent, where that has one."""

    copy_: Annotated[Name, Field(alias="copy")]
    of: Name
    via: Via = ()


class OnePerRule(RuleDocument):
    """Of the rows of each parent, just one has 1 or true in ``column``; ``optional``: or none."""

    one_per: Name
    column: Name
    optional: bool = False
    via: Via = ()


class BalanceRule(RuleDocument):
    """The values of the rows of each parent in ``per`` add up to ``equals``."""

    balance: Name
    per: Name
    equals: Number = 0
    via: Via = ()


class AggregateRule(RuleDocument):
    """The column is a function of ``table.column`` over the row's children."""

    aggregate: Name
    of: Name
    function: Literal["sum", "count", "min", "max"] = "sum"
    decimals: Decimals | None = None
    via: Via = ()


KINDS: Mapping[str, type[RuleDocument]] = {
    "range": RangeRule,
    "inequality": InequalityRule,
    "fixed_combinations": FixedCombinationsRule,
    "unique": UniqueRule,
    "one_hot": OneHotRule,
    "sum": SumRule,
    "difference": DifferenceRule,
    "ratio": RatioRule,
    "null_together": NullTogetherRule,
    "determines": DeterminesRule,
    "regex": RegexRule,
    "when": WhenRule,
    "predicate": PredicateRule,
    "copy": CopyRule,
    "one_per": OnePerRule,
    "balance": BalanceRule,
    "aggregate": AggregateRule,
    "exclusive": ExclusiveRule,  # last, as a range may be exclusive as well
}
"""Kinds by the key that tells them."""

AnyRule = (
    RangeRule | InequalityRule | FixedCombinationsRule | UniqueRule | OneHotRule | SumRule
    | DifferenceRule | RatioRule | NullTogetherRule | ExclusiveRule | DeterminesRule | RegexRule
    | WhenRule | PredicateRule | CopyRule | OnePerRule | BalanceRule | AggregateRule
)  # fmt: skip
LATER_KINDS: Mapping[str, str] = {
    "increasing": "the rule 'increasing' (a sequence of rows)",
}


_LATER_HINTS = {"increasing": "leave it out; the table's `sequence` has a key `increasing`"}


def kind_of(rule: Mapping[str, Any]) -> str:
    """The kind of a rule; empty for none that is built in."""
    return next((kind for kind in KINDS if kind in rule), "")


def label(rule: Mapping[str, Any]) -> str:
    """A rule in a line, as messages and reports name it."""

    def said(value: Any) -> str:
        return f"[{', '.join(map(str, value))}]" if isinstance(value, list | tuple) else str(value)

    return ", ".join(f"{key}: {said(value)}" for key, value in rule.items())


def rule_document(given: Any) -> RuleDocument:
    """A rule from a mapping.

    Raises:
        SchemaError: it has no known kind, an unknown key, or a value of the wrong form.
    """
    if isinstance(given, RuleDocument):
        return given
    if not isinstance(given, Mapping):
        raise SchemaError("a rule is a mapping", hint=f"it starts with {', '.join(KINDS)}")
    kind = kind_of(given)
    if not kind:
        return _of_plugin(given)
    model = KINDS[kind]
    keys = [held.alias or name for name, held in model.model_fields.items()]
    for key in given:
        if key not in keys:
            raise SchemaError(
                f"{key!r} is not a key of the rule {kind!r}", hint=nearest(str(key), keys)
            )
    try:
        return model.model_validate(dict(given))
    except ValidationError as error:
        raise _explained(kind, error) from None


def _of_plugin(given: Mapping[Any, Any]) -> RuleDocument:
    """The predicate that a plugin makes of its own kind of rule."""
    name = str(next(iter(given), ""))
    make = plugins.constraint(name)
    if make is None:
        raise _unknown(given)
    try:
        return PredicateRule(predicate=make(given))
    except (ValueError, KeyError, TypeError) as error:
        raise SchemaError(
            f"the rule {name!r} cannot be read: {error}", hint="see the plugin that brings it"
        ) from None


def _unknown(given: Mapping[Any, Any]) -> SchemaError:
    for key, what in LATER_KINDS.items():
        if key in given:
            return SchemaError(
                f"this version of Synthlake does not have {what} yet",
                hint=_LATER_HINTS.get(key, "leave it out"),
            )
    first = str(next(iter(given), ""))
    return SchemaError(f"{first!r} is no kind of rule", hint=nearest(first, KINDS))


def _explained(kind: str, error: ValidationError) -> SchemaError:
    problem = error.errors(include_url=False)[0]
    place = ".".join(str(p) for p in problem["loc"] if p not in ("int", "float", "str"))
    if problem["type"] == "missing":
        return SchemaError(f"the rule {kind!r} lacks {place}", hint=f"add `{place}:`")
    said = problem["msg"].removeprefix("Value error, ")
    return SchemaError(f"the rule {kind!r}, {place}: {said[:1].lower()}{said[1:]}",
                       hint=_FORMS.get(kind, ""))  # fmt: skip


_FORMS: Mapping[str, str] = {
    "range": "{range: column, min: 0, max: 10}; either end may be missing",
    "inequality": "{inequality: [low, high], strict: false}",
    "fixed_combinations": "{fixed_combinations: [a, b]}",
    "unique": "{unique: [column]}",
    "one_hot": "{one_hot: [a, b, c]}",
    "sum": "{sum: total, of: [a, b]}",
    "difference": "{difference: d, of: [a, b]}",
    "ratio": "{ratio: r, of: [a, b]}",
    "null_together": "{null_together: [a, b]}",
    "exclusive": "{exclusive: [a, b]}",
    "determines": "{determines: [a], column: b}",
    "regex": '{regex: column, pattern: "[A-Z]{3}"}',
    "when": '{when: "a > 0", then: "b is not null"}',
    "predicate": '{predicate: "a + b < 10"}',
    "copy": "{copy: city, of: customers.city}",
    "one_per": "{one_per: accounts, column: is_owner}",
    "balance": "{balance: amount, per: entries, equals: 0}",
    "aggregate": "{aggregate: total, of: lines.amount, function: sum}, or min, max, count",
}
