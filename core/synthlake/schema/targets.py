"""How a spec says which table a polymorphic reference means."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from synthlake.schema.model import Orphans


def _as_text(value: Any) -> Any:
    """Types that are whole numbers, which YAML reads as such, as the text that they are."""
    if not isinstance(value, dict):
        return value
    return {str(k) if type(k) is int else k: v for k, v in value.items()}


def _as_target(value: Any) -> Any:
    return {"references": value} if isinstance(value, str) else value


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class TargetDocument(_Strict):
    """The table that a type names; its name alone, or with what the others have otherwise.

    Attributes:
        references: the parent table.
        to: its one column that ids refer to; None for its primary key.
        orphans: None for that of the whole reference.
    """

    references: Annotated[str, Field(min_length=1)]
    to: Annotated[tuple[str, ...], Field(min_length=1, max_length=1)] | None = None
    orphans: Orphans | None = None


class ByDocument(_Strict):
    """Which table a row refers to.

    Attributes:
        by: the column that says it.
        of: the table of each of its values.
    """

    by: Annotated[str, Field(min_length=1)]
    of: Annotated[
        dict[
            Annotated[str, Field(min_length=1)],
            Annotated[TargetDocument, BeforeValidator(_as_target)],
        ],
        BeforeValidator(_as_text),
        Field(min_length=1),
    ]
