"""Shapes that fuzzing found, in small: what was wrong with a twin, or kept it from being made."""

from __future__ import annotations

from typing import Any

from tests.property.schemas import DatabaseShape, LoopShape, ReferenceShape, TableShape


def _table(rows: int, key: str, *references: ReferenceShape, **more: Any) -> TableShape:
    given = {"attributes": (), "loops": (), "unique": False, "keep": False, **more}
    return TableShape(rows=rows, key=key, references=references, **given)


def _to(parent: int, **more: Any) -> ReferenceShape:
    plain = {"group": False, "nulls": 0.0, "orphans": 0.0, "policy": "keep", "mode": None}
    rest = {"skew": 0.0, "through": False, "partial": False}
    return ReferenceShape(parent=parent, **{**plain, **rest, **more})


def _found(
    *tables: TableShape, seed: int = 0, k: int = 1, name: str = "trees", scale: float = 1.0
) -> DatabaseShape:
    return DatabaseShape(tables=tables, seed=seed, k=k, synthesizer=name, scale=scale)


_TREE = LoopShape(target=1, kind="tree", orphans=0.2)
_CHAIN = LoopShape(target=0, kind="chain", orphans=0.2)
_SELVES = LoopShape(target=0, kind="selves", orphans=0.2)
_FEW = _to(2, skew=3.0, mode="own")
_FEW_ABOVE = _to(1, skew=3.0, policy="drop", through=True)
_RELATIVE = _to(1, through=True, partial=True, orphans=0.2)
_PARTLY = _to(2, nulls=1.0, partial=True)
_LOST = _to(1, orphans=0.2)
_PARTLY_BELOW = _to(1, nulls=1.0, through=True, partial=True)

FOUND = {
    "a key of one text, of which missing parents want more": _found(
        _table(60, "part", loops=(_TREE,)), _table(1, "text"), _table(60, "number", _to(2))
    ),
    "a number below two keys at once": _found(
        _table(60, "part"), _table(60, "part", _to(1)), _table(60, "part", _to(1, through=True))
    ),
    "children of rows that have no parent themselves": _found(
        _table(60, "number"), _table(60, "part", _LOST), _table(60, "part", _to(1, through=True))
    ),
    "one row, whose key refers to a table that is kept": _found(
        _table(60, "number", keep=True), _table(1, "part", _to(1)), k=3, name="independent"
    ),
    "keys to a kept table that are NULL in part": _found(
        _table(60, "grid", keep=True), _table(60, "part"), _table(60, "part", _to(1), _PARTLY)
    ),
    "a bridge, one side of which is a relative": _found(
        _table(60, "number"), _table(120, "part", _to(1)),
        _table(60, "bridge", _to(1, skew=3.0), _to(1, through=True)),
    ),
    "relatives of nobody, who are any, so that two of them are written alike": _found(
        _table(90, "number"), _table(120, "number"),
        _table(120, "number", _to(2, group=True), _to(1)), _table(120, "part", _to(1)),
        _table(60, "bridge", _to(2, skew=3.0), _RELATIVE), seed=10,
    ),
    "children of few entities, of which no k have parents of one code, but k have some": _found(
        _table(60, "number"), _table(60, "number"),
        _table(120, "number", _FEW, _to(1, nulls=0.25)), seed=7, k=5,
    ),
    "the same where it takes orphans to be k": _found(
        _table(60, "number"), _table(60, "number"),
        _table(120, "number", _FEW, _to(1, nulls=0.25, orphans=0.2)), seed=7, k=5,
    ),
    "orphans of a kept table, of whose keys none may be told": _found(
        _table(60, "text", keep=True), _table(300, "number", _to(1, orphans=0.5)), k=10
    ),
    "orphans whose keys are those of a table that has none to lend": _found(
        _table(1, "text"), _table(80, "part", _LOST, loops=(_CHAIN,)), name="independent"
    ),
    "a grid over rows below a table, of which there are fewer than places": _found(
        _table(25, "number"), _table(60, "same", _LOST), _table(25, "part", _FEW_ABOVE),
        seed=1, k=5,
    ),
    "a grid over rows of which some have no parent, whose children have one": _found(
        _table(25, "number"), _table(60, "same", _LOST), _table(25, "part", _FEW_ABOVE),
        seed=2, k=5,
    ),
    "children that have a parent of rows of which some have none": _found(
        _table(60, "number"), _table(60, "same", _LOST), _table(25, "part", _FEW_ABOVE), k=5
    ),
    "children that have a parent of a bridge of which some rows have none": _found(
        _table(60, "number"), _table(60, "number"), _table(60, "bridge", _LOST, _to(2)),
        _table(25, "number", _FEW_ABOVE), k=5,
    ),
    "children of few rows, and all of these of the few that have relatives": _found(
        _table(150, "number"), _table(25, "part", _to(1, skew=3.0, mode="own")),
        _table(120, "part", _to(1, skew=3.0, orphans=0.2, through=True)), name="independent",
    ),
    "children of a single row, of which a part cannot be had": _found(
        _table(1, "number"), _table(200, "number", _to(1, mode="own")), scale=0.4
    ),
    "a key of texts within a key within a key, two of which are references": _found(
        _table(40, "number"), _table(25, "bridge", _to(1, mode="own", partial=True)),
        _table(150, "text part", _to(1, skew=1.0, through=True)), name="independent",
    ),
    "relatives of rows that have no parent, in part of a key that may be NULL": _found(
        _table(80, "number"), _table(80, "part", _LOST),
        _table(60, "number", _to(1, nulls=0.25, through=True, partial=True, policy="null")),
        name="independent",
    ),
    "orphans of a chain of too few people to be told": _found(
        _table(25, "number"), _table(120, "number", _to(1, skew=3.0, mode="own"), loops=(_CHAIN,)),
        seed=13, k=5,
    ),
    "a bridge to a kept table of which several rows have one key, too rare to be told": _found(
        _table(120, "number", loops=(_SELVES,)), _table(60, "none", attributes=("int",), keep=True),
        _table(200, "bridge", _to(1, mode="own"), _to(2, skew=3.0, mode="match")),
        seed=9, k=5, name="independent",
    ),
    "values of two families, once rows without a parent are dropped": _found(
        _table(60, "part"), _table(120, "part"),
        _table(60, "part", _to(1, orphans=0.2, policy="drop", skew=3.0), _to(1, nulls=0.25)),
        seed=354, k=3,
    ),
    "children of one parent mostly, drawn as often without another one as few rows tell": _found(
        _table(60, "number"), _table(60, "number"), _table(60, "number", _FEW, _to(1, nulls=0.25)),
        seed=28,
    ),
    "orphans of a key within a key that is NULL in part, and is not that of the own parent": _found(
        _table(60, "part"), _table(60, "bridge", _to(1), _to(1)),
        _table(60, "part", _to(1), _to(1), _to(1)), _table(60, "part", _to(1), _PARTLY_BELOW),
    ),
}  # fmt: skip
