"""Comments on posts, photos and events: what they are on is named by a column of their own."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
from tests.relational.databases import Database, Declared

POSTS, PHOTOS, COMMENTS = 400, 300, 4_000
TARGETS = {"post": "posts", "photo": "photos"}


def comments(rows: int = COMMENTS, seed: int = 1) -> Database:
    """Types that are declared and that are not, of every dirt that there is.

    Of posts, 5 % of the comments have lost theirs; of photos, a tenth say none. ``Post`` and
    ``post `` name no table, nor does NULL; ``once`` is the type of three rows.
    """
    random = np.random.default_rng(seed)
    kinds = ["post", "photo", "Post", "post ", None, "legacy"]
    kind = [kinds[i] for i in random.choice(6, rows, p=[0.5, 0.3, 0.03, 0.03, 0.04, 0.1])]
    kind[:3] = ["once"] * min(3, rows)
    by_post = 1 + (random.exponential(80, rows) % POSTS).astype(int)
    by_photo, other = 1_000 + random.integers(0, PHOTOS, rows), random.integers(0, 9, rows)
    lost, gone = random.random(rows), random.random(rows)
    ids: list[int | None] = []
    for i, of in enumerate(kind):
        if of == "post":
            ids.append(5_000 + i % 20 if lost[i] < 0.05 else int(by_post[i]))
        elif of == "photo":
            ids.append(None if gone[i] < 0.1 else int(by_photo[i]))
        else:
            ids.append(None if of is None and gone[i] < 0.3 else int(other[i]))
    base = {"post": 0.0, "photo": 10.0}
    score = [
        base.get(str(k), 20.0) + float(s)
        for k, s in zip(kind, random.normal(size=rows), strict=True)
    ]
    return {
        "posts": pa.table(
            {"id": np.arange(POSTS) + 1, "title": random.choice(["a", "b", "c"], POSTS)}
        ),
        "photos": pa.table(
            {"pid": np.arange(PHOTOS) + 1_000, "size": random.integers(0, 5, PHOTOS)}
        ),
        "comments": pa.table(
            {
                "id": np.arange(rows),
                "on_type": pa.array(kind, pa.string()),
                "on_id": pa.array(ids, pa.int64()),
                "score": score,
            }
        ),
    }


def declared(of: dict[str, Any] | None = None, **more: Any) -> Declared:
    """What is declared of them."""
    by = {"columns": ["on_id"], "references": {"by": "on_type", "of": of or TARGETS}, **more}
    return {
        "posts": {"primary_key": ["id"]},
        "photos": {"primary_key": ["pid"]},
        "comments": {"primary_key": ["id"], "foreign_keys": [by]},
    }


@dataclass
class Kind:
    """The rows of one type: how many have a parent, none, and no id."""

    rows: int = 0
    met: int = 0
    orphans: int = 0
    nulls: int = 0
    scores: list[float] = field(default_factory=list)

    @property
    def shares(self) -> tuple[float, float, float]:
        return self.met / self.rows, self.orphans / self.rows, self.nulls / self.rows


def kinds(
    tables: Database,
    keys: dict[str, tuple[str, str]] | None = None,
    names: tuple[str, str, str] = ("comments", "on_type", "on_id"),
) -> dict[str | None, Kind]:
    """All rows by their type, told by plain Python."""
    keys = keys or {"post": ("posts", "id"), "photo": ("photos", "pid")}
    known = {kind: set(tables[t][c].to_pylist()) for kind, (t, c) in keys.items()}
    table, out = tables[names[0]], dict[str | None, Kind]()
    scores = table["score"].to_pylist()
    for kind, at, score in zip(*(table[n].to_pylist() for n in names[1:]), scores, strict=True):
        held = out.setdefault(kind, Kind())
        held.rows += 1
        held.scores.append(score)
        if at is None:
            held.nulls += 1
        elif at in known.get(kind, ()):
            held.met += 1
        else:
            held.orphans += 1
    return out


def degrees(tables: Database, kind: str, parent: str, to: str) -> Counter[int]:
    """Parents by how many comments of a type they have."""
    pairs = zip(*(tables["comments"][n].to_pylist() for n in ("on_type", "on_id")), strict=True)
    found = Counter(at for of, at in pairs if of == kind)
    return Counter(found[key] for key in tables[parent][to].to_pylist())
