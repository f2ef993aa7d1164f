"""The `tables:` subtree of a spec: what a user declares of a schema, all of it or a part."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    ValidationError,
    model_validator,
)
from pydantic_core import ErrorDetails, PydanticCustomError

from synthlake.errors import SchemaError
from synthlake.schema import synthesizers
from synthlake.schema.kinds import KINDS, LOCALE_FORM, LOCALES, Kind, kind_of, locale_of
from synthlake.schema.model import (
    Column,
    ForeignKey,
    Mode,
    Orphans,
    Role,
    Schema,
    Sequenced,
    Table,
)
from synthlake.schema.nearest import nearest
from synthlake.schema.rules import AnyRule, RuleDocument, rule_document
from synthlake.schema.targets import ByDocument, TargetDocument

LATER = "this version of Synthlake does not have"
_Names = tuple[Annotated[str, Field(min_length=1)], ...]


def _later(what: str) -> ValueError:
    return ValueError(f"{LATER} {what} yet")


def _null_is_an_action(value: Any) -> Any:
    # YAML and JSON read an unquoted null as nothing; here it can only mean the action
    return "null" if value is None else value


class _Strict(BaseModel):
    """Unknown keys are errors, values do not change."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class ColumnDocument(_Strict):
    """What is declared of a column; None for what is to be inferred."""

    role: Role | None = None
    action: Annotated[
        Literal["learn", "null", "skip", "mask"] | None, BeforeValidator(_null_is_an_action)
    ] = None
    pattern: Annotated[str, Field(min_length=1)] | None = None
    kind: Annotated[Kind, BeforeValidator(kind_of)] | None = None
    locale: Annotated[str, Field(pattern=LOCALE_FORM), AfterValidator(locale_of)] | None = None

    @model_validator(mode="before")
    @classmethod
    def _refuse_later(cls, value: Any) -> Any:
        if isinstance(value, Mapping) and value.get("action") == "keep":
            raise _later("the column action 'keep'")
        return value

    def applied(self, column: Column) -> Column:
        """The column with what is declared here."""
        return Column(
            name=column.name,
            type=column.type,
            role=self.role or ("personal" if self.kind else column.role),
            action=self.action or column.action,
            nullable=column.nullable or self.action == "null",
            pattern=self.pattern or column.pattern,
            kind=self.kind or column.kind,
            locale=self.locale or column.locale,
        )


def _naming(value: Any) -> str:
    return "named-by" if isinstance(value, Mapping | ByDocument) else "named-here"


class ForeignKeyDocument(_Strict):
    """A declared foreign key.

    Attributes:
        columns: of the child.
        references: the parent table, or the column that names it.
        to: the parent's columns; None for its primary key, or for the same names.
        mode: None to be chosen by evidence.
        orphans: what becomes of references that no parent has.
    """

    columns: Annotated[_Names, Field(min_length=1)]
    references: Annotated[
        Annotated[str, Tag("named-here")] | Annotated[ByDocument, Tag("named-by")],
        Discriminator(_naming),
    ]
    to: Annotated[_Names, Field(min_length=1)] | None = None
    mode: Mode | None = None
    orphans: Orphans = "keep"

    def resolved(self, table: str, schema: Schema) -> ForeignKey:
        """The foreign key with the parent's columns looked up.

        Args:
            table: the child.
            schema: with the primary key of the parent.

        Raises:
            SchemaError: there is no such parent, or its columns are not clear.
        """
        if isinstance(self.references, ByDocument):
            raise SchemaError(
                f"{table}({', '.join(self.columns)}): the table of the reference is named by"
                f" {self.references.by}, and subsets do not follow such references",
                hint="leave the foreign key out: rows then come with or without what they refer to",
            )
        fk = ForeignKey(self.columns, self.references, self.to or (), self.mode, self.orphans)
        if self.references not in schema:
            raise SchemaError(
                f"{fk.label(table)}: there is no table {self.references!r}",
                hint=nearest(self.references, schema.tables),
            )
        if self.to is not None:
            return fk
        parent = schema[self.references]
        if set(parent.primary_key) == set(self.columns) or (
            len(parent.primary_key) != len(self.columns) and all(map(parent.has, self.columns))
        ):
            to = self.columns
        elif len(parent.primary_key) == len(self.columns):
            to = parent.primary_key
        else:
            raise SchemaError(
                f"{fk.label(table)}: which columns of {parent.name} are meant is not clear, its "
                f"primary key has {len(parent.primary_key)} and the reference {len(self.columns)}",
                hint="name them with `to: [...]`",
            )
        return ForeignKey(fk.columns, fk.references, to, fk.mode, fk.orphans)


class SynthesizerDocument(_Strict):
    """Name and settings of a table's synthesizer."""

    model_config = ConfigDict(extra="allow")

    name: str = synthesizers.DEFAULT

    @model_validator(mode="after")
    def _check(self) -> SynthesizerDocument:
        try:
            synthesizers.parse(self.settings())
        except SchemaError as error:
            context = {"hint": error.hint, "said": error.message}
            raise PydanticCustomError("synthesizer", "{said}", context) from None
        return self

    def settings(self) -> dict[str, Any]:
        """As a table holds it."""
        return self.model_dump(exclude_none=True)

    @classmethod
    def __get_pydantic_json_schema__(cls, *given: Any) -> dict[str, Any]:
        """One branch for each synthesizer, with its settings."""
        return synthesizers.json_schema()


class SequenceDocument(_Strict):
    """The order of a table's rows; ``false`` for none."""

    by: Annotated[str, Field(min_length=1)]
    increasing: _Names = ()


def _held(rule: RuleDocument) -> dict[str, Any]:
    return rule.held()


def _named(value: Any) -> Any:
    return {"name": value} if isinstance(value, str) else value


class TableDocument(_Strict):
    """What is declared of a table; None for what is to be inferred."""

    keep: bool = False
    skip: bool = False
    primary_key: _Names | None = None
    foreign_keys: tuple[ForeignKeyDocument, ...] | None = None
    columns: dict[str, ColumnDocument] = Field(default_factory=dict)
    conditions: _Names | None = None
    constraints: tuple[Annotated[AnyRule, BeforeValidator(rule_document)], ...] | None = None
    synthesizer: Annotated[SynthesizerDocument, BeforeValidator(_named)] | None = None
    order: _Names | None = None
    sequence: Literal[False] | SequenceDocument | None = None

    @model_validator(mode="before")
    @classmethod
    def _check_columns(cls, value: Any) -> Any:
        if isinstance(value, Mapping):
            _check_names(value.get("columns"), "column")
        return value

    def applied(self, table: Table) -> Table:
        """The table with what is declared here, foreign keys aside.

        Raises:
            SchemaError: the table has no such column.
        """
        for name in self.columns:
            if not table.has(name):
                raise SchemaError(
                    f"{table.name} has no column {name!r}",
                    hint=nearest(name, [c.name for c in table.columns]),
                )
        return Table(
            name=table.name,
            columns=tuple(
                self.columns[c.name].applied(c) if c.name in self.columns else c
                for c in table.columns
            ),
            primary_key=table.primary_key if self.primary_key is None else self.primary_key,
            foreign_keys=() if self.foreign_keys is not None else table.foreign_keys,
            keep=self.keep or table.keep,
            skip=self.skip or table.skip,
            constraints=table.constraints
            if self.constraints is None
            else tuple(_held(rule) for rule in self.constraints),
            synthesizer=self.synthesizer.settings() if self.synthesizer else table.synthesizer,
            order=table.order if self.order is None else self.order,
            conditions=table.conditions if self.conditions is None else self.conditions,
            sequence=self._sequenced(table),
            polymorphic=table.polymorphic,
        )

    def _sequenced(self, table: Table) -> Sequenced | None:
        if self.sequence is None:
            return table.sequence
        if not self.sequence:
            return Sequenced("")
        return Sequenced(self.sequence.by, self.sequence.increasing)


class SchemaDocument(_Strict):
    """A schema as far as it is declared. ``infer`` completes it, ``merge_into`` applies it.

    Attributes:
        tables: by name.
    """

    tables: dict[str, TableDocument] = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _check_tables(cls, value: Any) -> Any:
        if isinstance(value, Mapping):
            _check_names(value.get("tables"), "table")
        return value

    def merge_into(self, schema: Schema) -> Schema:
        """The schema with what is declared here: lists replace, mappings merge.

        Raises:
            SchemaError: there is no such table or column, or a reference is not clear.
        """
        return self.merge_references(self.merge_tables(schema))

    def merge_tables(self, schema: Schema) -> Schema:
        """The first half of ``merge_into``: all but the foreign keys, which are left empty."""
        for name in self.tables:
            if name not in schema:
                raise SchemaError(f"there is no table {name!r}", hint=nearest(name, schema.tables))
        return Schema(
            {t.name: self.tables[t.name].applied(t) if t.name in self.tables else t for t in schema}
        )

    def merge_references(self, schema: Schema) -> Schema:
        """The second half: declared foreign keys, once primary keys are known."""
        found = schema
        for name, entry in self.tables.items():
            if entry.foreign_keys is not None:
                keys = tuple(fk.resolved(name, schema) for fk in entry.foreign_keys)
                found = found.with_table(found[name].with_keys(foreign_keys=keys))
        return found


def parse_tables(given: Mapping[str, Any]) -> SchemaDocument:
    """A document from the `tables:` subtree.

    Raises:
        SchemaError: an unknown key, a value of the wrong kind, or what a later version brings.
    """
    try:
        return SchemaDocument.model_validate({"tables": given})
    except ValidationError as error:
        # a misspelt key is also a missing one: say the misspelling
        problems = sorted(
            error.errors(include_url=False), key=lambda p: p["type"] != "extra_forbidden"
        )
        raise _explain(problems[0]) from None


def _check_names(value: Any, what: str) -> None:
    if not isinstance(value, Mapping):
        return
    for name in value:
        if not isinstance(name, str) or not name:
            # 2013 and yes are no text in YAML, and the file does not say which text was meant
            raise ValueError(f"the {what} name {name!r} is not text; write it in quotes")


def _explain(problem: ErrorDetails) -> SchemaError:
    place = tuple(part for part in problem["loc"] if not _is_branch(part))
    where = ".".join(str(part) for part in place) or "tables"
    if problem["type"] == "extra_forbidden":
        known = _keys_at(place)
        return SchemaError(
            f"{where} is not a key of the schema", hint=nearest(str(place[-1]), known)
        )
    if problem["type"] == "missing":
        return SchemaError(f"{where} is missing", hint=f"add `{place[-1]}:`")
    if problem["type"] == "synthesizer":
        return SchemaError(f"{where}: {problem['msg']}", hint=problem["ctx"]["hint"])
    caught = problem.get("ctx", {}).get("error")
    if isinstance(caught, SchemaError):
        return SchemaError(f"{where}: {caught.message}", hint=caught.hint)
    said = problem["msg"].removeprefix("Value error, ")
    said = f"{said[:1].lower()}{said[1:]}"
    hint = "leave it out" if said.startswith(LATER) else _FORMS.get(_last_name(place), "")
    return SchemaError(f"{where}: {said}", hint=hint)


def _is_branch(part: str | int) -> bool:
    # pydantic puts the branch of a union into the path, as the name of its type
    return isinstance(part, str) and part.startswith(("constrained-", "literal[", "named-"))


def _last_name(place: tuple[str | int, ...]) -> str:
    return next((part for part in reversed(place) if isinstance(part, str)), "tables")


def _keys_at(place: tuple[str | int, ...]) -> list[str]:
    # tables, NAME, KEY, ...: the third part is a key of a table, and says what lies below it
    below: dict[str, type[BaseModel]] = {
        "columns": ColumnDocument,
        "foreign_keys": ForeignKeyDocument,
        "sequence": SequenceDocument,
    }
    model = below[str(place[2])] if len(place) > 3 else TableDocument
    if model is ForeignKeyDocument and "references" in place[:-1]:
        model = TargetDocument if "of" in place[:-1] else ByDocument
    return list(model.model_fields)


_FORMS = {
    "tables": "entries by table, such as {airlines: {keep: true}}",
    "columns": "a mapping {name: {role: ...}} for a table, a list [name, ...] for a key",
    "foreign_keys": "a list such as [{columns: [tailnum], references: planes}]",
    "primary_key": "a list such as [tailnum]; [] for none",
    "conditions": "a list of columns such as [income, sex]",
    "references": "the name of a table, or {by: type_column, of: {type: table}}",
    "of": "a mapping such as {post: posts, photo: photos}",
    "by": "the name of the column that says which table is meant",
    "to": "a list of the parent's columns",
    "mode": "own or match",
    "orphans": "keep, null, drop or fail",
    "role": "key, categorical, numeric, datetime, boolean, text or personal",
    "action": "learn, null, skip or mask",
    "pattern": "N[0-9]{3}[A-Z]{2}: literals, classes, counts, ? and alternatives like (A|B)",
    "kind": ", ".join(KINDS),
    "locale": f"one that Faker has, such as {', '.join(LOCALES)}",
    "order": "a list of columns that are drawn first",
    "sequence": "{by: column}, or false for rows in no order",
    "increasing": "a list of columns that never fall from row to row",
    "synthesizer": synthesizers.FORM,
    "constraints": "a list such as [{range: price, min: 0}]",
    "keep": "true or false",
    "skip": "true or false",
}
