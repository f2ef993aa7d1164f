"""What names of tables and columns say about each other."""

from __future__ import annotations

import re

_SPLIT = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+|[^\W\d_]+")
_GENERIC = {
    "id",
    "key",
    "code",
    "no",
    "nr",
    "num",
    "number",
    "ref",
    "uuid",
    "guid",
    "pk",
    "fk",
    "sk",
}
_ORDINAL = {"line", "seq", "sequence", "ordinal", "index", "idx", "rank", "row"}
_CALENDAR = {"year", "quarter", "month", "week", "day", "hour", "minute", "date", "period"}

_ENDS = {"src", "dst", "source", "target", "from", "to", "parent", "child"}


def words(name: str) -> tuple[str, ...]:
    """The words of a name in lower case and singular: ``orderDetails_ID`` is order, detail, id."""
    return tuple(_singular(found.lower()) for found in _SPLIT.findall(name))


def is_identifier(name: str) -> bool:
    """Whether a name says that it identifies something: ``order_id``, ``code``."""
    found = words(name)
    return bool(found) and (found[-1] in _GENERIC or found[0] in {"id", "uuid", "guid"})


def is_counter(name: str) -> bool:
    """Whether a name says that it counts within something: ``line_no``, ``year``."""
    return bool({*words(name)} & (_ORDINAL | _CALENDAR))


def names_table(column: str, table: str) -> bool:
    """Whether a column carries the name of a table: ``flight`` and ``flights``."""
    return bool(_content(column)) and _content(column) == _content(table)


def refers(column: str, parent: str, key: str) -> int:
    """How clearly a column's name refers to a parent's key column.

    Returns:
        3 for the key's own name or the parent's name with it, 2 where that stands at the end of
        the name, 1 for a word in common or the end of an edge, 0 for nothing.
    """
    said, owner, part = words(column), words(parent), words(key)
    own = _content(key)
    if said == part and own:
        return 3
    if said in (owner + part, (*owner, "id"), owner) or (own and said == own):
        return 3
    endings = [owner + part, (*owner, "id"), part if own else ()]
    if any(end and said[-len(end) :] == end for end in endings):
        return 2
    if said and {*said} <= _ENDS | _GENERIC and _ENDS & {*said}:
        return 1
    return int(any(_alike(a, b) for a in _content(column) for b in {*_content(parent), *own}))


def _content(name: str) -> tuple[str, ...]:
    return tuple(word for word in words(name) if word not in _GENERIC and not word.isdigit())


def _alike(one: str, other: str) -> bool:
    short, long = sorted((one, other), key=len)
    return short == long or (len(short) >= 4 and long.startswith(short))


def _singular(word: str) -> str:
    if len(word) > 3 and word.endswith("ies"):
        return f"{word[:-3]}y"
    if len(word) > 4 and word.endswith(("sses", "xes", "ches", "shes")):
        return word[:-2]
    if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")):
        return word[:-1]
    return word
