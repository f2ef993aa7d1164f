"""The spec: what to synthesise, from where, into what. Every host of Synthlake parses to this."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    WithJsonSchema,
    field_validator,
    model_validator,
)

from synthlake.errors import SchemaError, SpecError
from synthlake.pipeline import document, secrets
from synthlake.pipeline.document import Document
from synthlake.schema import synthesizers
from synthlake.schema.document import SynthesizerDocument, parse_tables
from synthlake.schema.nearest import nearest

Tier = Literal["quick", "standard", "full", "deep"]
Count = Annotated[int, Field(ge=0, strict=True)]
Factor = Annotated[float, Field(gt=0)]
Share = Annotated[float, Field(ge=0, lt=1)]

_LATER = {
    "budget": "differential privacy",
    "constraints": "constraints across tables (a table's own stand under its entry in `tables:`)",
    "delta": "differential privacy",
    "epsilon": "differential privacy",
    "ledger": "the privacy ledger",
    "models": "several models a run",
    "privacy": "differential privacy",
    "schedule": "scheduling, which is the host's",
}
_BOUND = re.compile(r"^(ceiling|floor|base|noise)(\s*[-+]\s*\d*\.?\d+)?$")


class _Strict(BaseModel):
    """Unknown keys are errors, values do not change."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class SourceSpec(_Strict):
    """Where the data is.

    Attributes:
        url: a folder, file or URL; secrets as ``env:NAME``, ``file:PATH`` or ``${env:NAME}``.
        schema_name: schema inside of a database (``schema:`` in the spec).
        options: of the connector.
    """

    model_config = ConfigDict(populate_by_name=True)

    url: str = Field(min_length=1, repr=False)
    schema_name: str | None = Field(default=None, alias="schema")
    options: dict[str, Any] = Field(default_factory=dict, repr=False)

    def __repr_args__(self) -> Iterator[tuple[str | None, Any]]:
        yield "url", secrets.mask(self.url)
        yield "schema", self.schema_name
        yield "options", secrets.mask_all(self.options)


class SinkSpec(_Strict):
    """Where the twin goes to.

    Attributes:
        url: ``parquet://FOLDER`` or a folder, or a URL of a connector: a database, Delta tables.
        schema_name: schema inside of a database (``schema:`` in the spec).
        options: of the connector.
    """

    model_config = ConfigDict(populate_by_name=True)

    url: str = Field(min_length=1, repr=False)
    schema_name: str | None = Field(default=None, alias="schema")
    options: dict[str, Any] = Field(default_factory=dict, repr=False)

    def __repr_args__(self) -> Iterator[tuple[str | None, Any]]:
        yield "url", secrets.mask(self.url)
        yield "schema_name", self.schema_name

    def masked(self) -> dict[str, Any]:
        """The sink as plain values for display and storage, without secrets."""
        held = self.model_dump(mode="json", by_alias=True, exclude_none=True)
        options = secrets.mask_all(self.options)
        return {**held, "url": secrets.mask(self.url), "options": options}


class FitSpec(_Strict):
    """How much is learned from.

    Attributes:
        max_rows: rows of the intact sample, all tables together that are drawn.
        max_minutes: lowers ``max_rows`` until the time that `plan` estimates stays below it.
    """

    max_rows: int = Field(default=500_000, ge=1, strict=True)
    max_minutes: float | None = Field(default=None, gt=0)


class HoldoutSpec(_Strict):
    """The share of root entities that is never learned from; 0 for none."""

    share: Share = 0.1


class RegressionSpec(_Strict):
    """An analysis whose coefficients are compared.

    Attributes:
        target: ``table.column``: a number, or a category of two values.
        features: columns of the same table.
    """

    target: str = Field(pattern=r".\..")
    features: tuple[str, ...] = Field(min_length=1)


class FairnessSpec(_Strict):
    """A prediction that is to treat groups alike.

    Attributes:
        target: ``table.column`` that is predicted.
        protected: columns of the same table whose values are the groups.
        positive: the outcome that is wished for; the last of two where it is left out.
        privileged: by protected column, the group that others are compared with.
    """

    target: str = Field(pattern=r".\..")
    protected: tuple[str, ...] = Field(min_length=1)
    positive: str | int | float | bool | None = None
    privileged: dict[str, str | int | float | bool] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _protects(self) -> FairnessSpec:
        for name in self.privileged:
            if name not in self.protected:
                raise ValueError(f"a privileged group of {name!r}, which is not protected")
        return self


class EvaluateSpec(_Strict):
    """How the twin is judged.

    Attributes:
        tier: which metrics.
        target: ``table.column`` that downstream models predict.
        metrics: only these; None for all of the tier.
        regressions: analyses whose confidence intervals are compared (tier ``full``).
        fairness: predictions that are to treat groups alike (tier ``full``).
    """

    tier: Tier = "standard"
    target: str | None = None
    metrics: tuple[str, ...] | None = None
    regressions: tuple[RegressionSpec, ...] = ()
    fairness: tuple[FairnessSpec, ...] = ()


class GateSpec(_Strict):
    """A bound on a metric: a number, or ``ceiling + 0.05``, ``floor - 0.1``, ``base``, ``noise``.

    Attributes:
        metric: its name.
        at_most: the bound, or ``at_least``.
        at_least: the bound, or ``at_most``.
        otherwise: what becomes of the run if the bound is not kept.
        table: the only table that it is for.
        column: the only column that it is for.
    """

    metric: str = Field(min_length=1)
    at_most: float | str | None = None
    at_least: float | str | None = None
    otherwise: Literal["fail", "warn"] = "fail"
    table: str | None = None
    column: str | None = None

    @field_validator("at_most", "at_least")
    @classmethod
    def _bound(cls, value: float | str | None) -> float | str | None:
        if isinstance(value, str) and not _BOUND.match(value.strip()):
            raise ValueError("write a number, or `ceiling + 0.05`, or `floor - 0.1`")
        return value.strip() if isinstance(value, str) else value

    @model_validator(mode="after")
    def _one_bound(self) -> GateSpec:
        if (self.at_most is None) == (self.at_least is None):
            raise ValueError("give one of at_most and at_least")
        return self


def _url(value: Any) -> Any:
    return {"url": value} if isinstance(value, str) else value


def _named(value: Any) -> Any:
    return {"name": value} if isinstance(value, str) else value


class ConditionSpec(_Strict):
    """Rows that are wanted, and what they are to satisfy.

    Attributes:
        where: by column: a value, ``{min: 1, max: 9}``, ``{in: [1, 2]}``, or null.
        rows: how many.
        least: effective share of candidates from which the condition is accepted.
    """

    where: dict[str, Any] = Field(default_factory=dict)
    rows: Count
    least: Annotated[float, Field(gt=0, le=1)] | None = None


def _tries(value: Any) -> Any:
    """``true`` as two tries, ``false`` as none."""
    return 2 * value if isinstance(value, bool) else value


Tries = Annotated[
    int,
    Field(ge=0, le=8, strict=True),
    BeforeValidator(_tries),
    WithJsonSchema({"type": ["integer", "boolean"], "minimum": 0, "maximum": 8}),
]


class SynthesisSpec(_Strict):
    """What to synthesise.

    Attributes:
        version: of the spec's form.
        source: where the data is.
        sink: where the twin goes to; None needs ``--out``.
        runs: folder for artifact, report and manifest of each run whose sink is not a folder.
        tables: entries by table; what is absent is inferred.
        synthesizer: for every table that does not say.
        fit: how much is learned from.
        holdout: what is not learned from.
        scale: of the source's roots, or by root table; those that are not named have 1.
        rows: by root table; wins over ``scale``.
        given: by root table: conditions, each with its rows; wins over ``scale``.
        seed: of sampling and learning.
        evaluate: how the twin is judged.
        gates: bounds that the twin has to keep before it is published.
        auto_optimize: how often other settings are tried where one is missed.
        k: least number of entities behind anything that is stored.
    """

    version: Literal[1] = 1
    source: Annotated[SourceSpec, BeforeValidator(_url)]
    sink: Annotated[SinkSpec, BeforeValidator(_url)] | None = None
    runs: str = Field(default="synthlake-runs", min_length=1)
    tables: dict[str, Any] = Field(default_factory=dict)
    synthesizer: Annotated[SynthesizerDocument, BeforeValidator(_named)] = SynthesizerDocument()
    fit: FitSpec = FitSpec()
    holdout: HoldoutSpec = HoldoutSpec()
    scale: Factor | dict[str, Factor] = 1.0
    rows: dict[str, Count] = Field(default_factory=dict)
    given: dict[str, tuple[ConditionSpec, ...]] = Field(default_factory=dict)
    seed: int = Field(default=0, ge=0, lt=2**63, strict=True)
    evaluate: EvaluateSpec = EvaluateSpec()
    gates: tuple[GateSpec, ...] = ()
    auto_optimize: Tries = 0
    k: int = Field(default=10, ge=1, strict=True)

    @classmethod
    def load(cls, given: str | Path | Mapping[str, Any] | SynthesisSpec) -> SynthesisSpec:
        """A spec from a file of YAML or JSON, or from a mapping.

        Raises:
            SpecError: it cannot be read, holds an unknown key, or a value of the wrong kind.
        """
        if isinstance(given, SynthesisSpec):
            return given
        return cls.parse(document.read(given))

    @classmethod
    def parse(cls, text: Document) -> SynthesisSpec:
        """A spec from a document.

        Raises:
            SpecError: it holds an unknown key, or a value of the wrong kind.
        """
        try:
            spec = cls.model_validate(text.values)
        except ValidationError as error:
            raise _explain(error, text) from None
        _check_tables(spec, text)
        _check_metrics(spec, text)
        return spec

    def to_dict(self) -> dict[str, Any]:
        """The spec as plain values; ``load`` of it gives an equal spec."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)

    @property
    def sizes(self) -> dict[str, int]:
        """Rows that are asked for, by root table."""
        given = {name: sum(c.rows for c in held) for name, held in self.given.items()}
        return {**self.rows, **given}

    @property
    def conditions(self) -> dict[str, Any]:
        """Conditions by table, as JSON values."""
        from synthlake.relational.typed import as_json

        listed = {name: [c.model_dump() for c in held] for name, held in self.given.items()}
        return dict(as_json(listed))

    def masked(self) -> dict[str, Any]:
        """The spec as plain values for display and storage, without secrets."""
        held = self.to_dict()
        held["source"]["url"] = secrets.mask(self.source.url)
        held["source"]["options"] = secrets.mask_all(self.source.options)
        if self.sink is not None:
            held["sink"] = self.sink.masked()
        return held


def _check_tables(spec: SynthesisSpec, text: Document) -> None:
    try:
        parse_tables(spec.tables)
    except SchemaError as error:
        place = text.place(error.message)
        said = f"{error.message} ({place})" if place else error.message
        raise SpecError(said, hint=error.hint) from None


def _check_metrics(spec: SynthesisSpec, text: Document) -> None:
    asked: list[tuple[document.Location, str]] = [
        (("gates", number, "metric"), gate.metric) for number, gate in enumerate(spec.gates)
    ]
    asked += [(("evaluate", "metrics"), name) for name in spec.evaluate.metrics or ()]
    if not asked:
        return
    from synthlake.quality.metric import metrics

    known = metrics()
    for location, name in asked:
        if name not in known:
            raise SpecError(
                f"{text.where(location)}: there is no metric {name!r}", hint=nearest(name, known)
            )


def _explain(error: ValidationError, text: Document) -> SpecError:
    problem = error.errors(include_url=False, include_input=False)[0]
    # a union's branches show up in the path as names of classes and types
    location = tuple(p for p in problem["loc"] if not _is_branch(p))
    where, key = text.where(location), str(location[-1]) if location else ""
    if problem["type"] == "extra_forbidden":
        if key in _LATER:
            return SpecError(
                f"{where} belongs to a later version of Synthlake: {_LATER[key]}",
                hint=f"leave {key!r} out",
            )
        return SpecError(f"{where} is not a key of the spec", hint=nearest(key, _fields(location)))
    if problem["type"] == "missing":
        return SpecError(f"{where} is missing", hint=f"add `{key}:`")
    if problem["type"] == "synthesizer":
        return SpecError(f"{where}: {problem['msg']}", hint=problem["ctx"]["hint"])
    said = problem["msg"].removeprefix("Value error, ")
    said = re.sub(r"a valid (dictionary|tuple).*", lambda m: _PLAIN[str(m[1])], said)
    return SpecError(f"{where}: {said[:1].lower()}{said[1:]}", hint=_form(location))


_PLAIN = {"dictionary": "a mapping", "tuple": "a list"}


def _is_branch(part: str | int) -> bool:
    return isinstance(part, str) and bool(
        re.search(r"\[|Spec$|Document$", part)
        or part in {"float", "str", "int", "constrained-float"}
    )


def _fields(location: tuple[str | int, ...]) -> list[str]:
    sections: dict[str | int, type[BaseModel]] = {
        "source": SourceSpec, "sink": SinkSpec, "fit": FitSpec, "holdout": HoldoutSpec,
        "evaluate": EvaluateSpec, "gates": GateSpec,
        "given": ConditionSpec,
    }  # fmt: skip
    model = sections[location[0]] if len(location) > 1 else SynthesisSpec
    return [held.alias or name for name, held in model.model_fields.items()]


_FORMS = {
    "source": "a URL, or {url: ..., schema: ..., options: {...}}",
    "sink": "a folder such as parquet://out, or {url: ..., schema: ..., options: {...}}",
    "rows": "numbers of rows by root table, such as {planes: 5000}",
    "given": "conditions by root table, such as {adult: [{where: {sex: Female}, rows: 500}]}",
    "scale": "a number above 0, such as 1.0, or numbers by root table, such as {planes: 2}",
    "gates": "a list such as [{metric: c2st.joined, at_most: ceiling + 0.05, otherwise: fail}]",
    "fit": "such as {max_rows: 500000}",
    "holdout": "such as {share: 0.1}",
    "evaluate": "such as {tier: standard, target: flights.arr_delay}",
    "tables": "entries by table, such as {airlines: {keep: true}}",
    "synthesizer": synthesizers.FORM,
    "version": "this version of Synthlake reads `version: 1`",
    "seed": "a whole number from 0",
    "k": "a whole number from 1",
}


def _form(location: tuple[str | int, ...]) -> str:
    return _FORMS.get(str(location[0]) if location else "", "see docs/spec.schema.json")
