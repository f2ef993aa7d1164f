"""Texts that are spelled from other texts of their row: slugs, initials, prefixes, addresses.

``raikkonen`` is the surname Räikkönen in small letters, ``RAI`` its first three in capitals, and
``https://example.org/wiki/Kimi_Räikkönen`` both names behind an address.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import permutations, product
from typing import Any, Literal

Case = Literal["", "lower", "upper"]
_CASES: tuple[Case, ...] = ("", "lower", "upper")
_JOINTS = ("_", "-", "", " ")  # between the words of a text
_CUTS = (0, 3, 1, 2, 4, -1)  # first characters; 0: all, -1: the last word
_BETWEEN = ("_", ".", "-", "", " ")  # between two texts
_SEARCHED = 200  # rows that a spelling is searched on
_SOMEWHERE, _TRIED = 0.3, 6  # share of texts that have a piece, and pieces of a column
_APART = 0.5  # of the share of rows that a spelling explains, that it may explain of mixed rows
_SPELLED = str.maketrans({"ß": "ss", "ł": "l", "Ł": "L", "ø": "o", "Ø": "O", "æ": "ae", "đ": "d"})


@dataclass(frozen=True)
class Piece:
    """A part of a text: that of a column, or a literal.

    Attributes:
        column: whose text it is; empty for a literal.
        text: the literal.
        case: of its letters; empty for as they are.
        joint: what its words are joined by.
        cut: as many first characters; 0 for all, -1 for the last word.
        bare: whether accents are taken off, and punctuation.
    """

    column: str = ""
    text: str = ""
    case: Case = ""
    joint: str = " "
    cut: int = 0
    bare: bool = False

    def spell(self, text: str) -> str:
        """The piece of a text; empty where it leaves no letter or digit."""
        return _spelled(self, text) if self.column else self.text


Spelling = tuple[Piece, ...]
Texts = Mapping[str, Sequence[str | None]]


@lru_cache(maxsize=65_536)
def _spelled(piece: Piece, text: str) -> str:
    words = text.split()
    made = piece.joint.join(words[-1:] if piece.cut < 0 else words)
    if piece.bare:
        made = _bare(made)
    if piece.case:
        made = made.lower() if piece.case == "lower" else made.upper()
    made = made[: piece.cut] if piece.cut > 0 else made
    return made if any(map(str.isalnum, made)) else ""


def _bare(text: str) -> str:
    """Plain letters and digits, and what joins words; empty where most are of another script."""
    folded = unicodedata.normalize("NFKD", text.translate(_SPELLED))
    made = "".join(c for c in folded if (c.isalnum() and c.isascii()) or c in "_- ")
    kept, whole = (sum(map(str.isalnum, held)) for held in (made, folded))
    return made if 2 * kept >= whole else ""


def spell(spelling: Spelling, texts: Texts, rows: int) -> list[str | None]:
    """The texts that a spelling makes; None where one that it needs is NULL or leaves nothing.

    A name in other letters leaves nothing where accents are taken off.
    """
    columns = [texts[p.column] if p.column else [p.text] * rows for p in spelling]
    made = (
        ["" if v is None else p.spell(v) for p, v in zip(spelling, row, strict=True)]
        for row in zip(*columns, strict=True)
    )
    return ["".join(pieces) if all(pieces) else None for pieces in made]


def find_spelling(made: Sequence[str], texts: Texts, least: int, share: float) -> Spelling | None:
    """How texts are spelled from those of other columns; None where most are not.

    Args:
        made: the texts.
        texts: those of the other columns, by name.
        least: fewest texts that a spelling has to make.
        share: of the texts that it has to make, at least.

    Cost: some hundred spellings a column on 200 rows, the best of them on all.
    """
    step = max(1, len(made) // _SEARCHED)
    some, few = made[::step], {n: held[::step] for n, held in texts.items()}
    bare = sum(t.isascii() for t in some) >= len(some) - len(some) // 50
    found = Counter[Spelling]()
    for spelling in _candidates(some, few, bare):
        whole = _within(spelling, some, few)
        if whole is not None and (whole[1] >= share * len(some) or whole[1] >= least):
            found[whole[0]] = max(found[whole[0]], whole[1])
    # the plainest of the best: fewest columns, nothing cut
    ranked = sorted(found, key=lambda s: (-found[s], len(s), sum(p.cut != 0 for p in s)))
    for spelling in ranked[:3]:
        good = _right(spelling, made, texts)
        mixed = {n: [*held[1:], *held[:1]] for n, held in texts.items()}
        chance = _right(spelling, made, mixed)
        if good >= max(least, share * len(made)) and chance <= _APART * good:
            return spelling
    return None


def _right(spelling: Spelling, made: Sequence[str], texts: Texts) -> int:
    """How many texts a spelling makes."""
    spelled = spell(spelling, texts, len(made))
    return sum(a == b for a, b in zip(made, spelled, strict=True))


def _candidates(made: Sequence[str], texts: Texts, bare: bool) -> list[Spelling]:
    """Spellings by one column, and by two with something between them.

    Of two columns only pieces are tried that most texts have somewhere, of each column the best.
    """
    forms = {n: list(dict.fromkeys(_forms(n, held, bare))) for n, held in texts.items()}
    out: list[Spelling] = [(piece,) for held in forms.values() for piece in held]
    often = {n: _somewhere(made, texts, held) for n, held in forms.items()}
    for one, other in permutations(texts, 2):
        for a, b in product(often[one], often[other]):
            if a.case == b.case:
                out += [(a, Piece(text=mark), b) if mark else (a, b) for mark in _BETWEEN]
    return out


def _forms(name: str, held: Sequence[str | None], bare: bool) -> Iterator[Piece]:
    """What a text may be made of one column."""
    joints = _JOINTS if any(v and " " in v for v in held) else (" ",)
    for case, joint, cut in product(_CASES, joints, _CUTS):
        changed = case != "" or cut != 0 or joint != " "
        yield Piece(name, "", case, joint, cut, bare and changed)


def _somewhere(made: Sequence[str], texts: Texts, pieces: Sequence[Piece]) -> list[Piece]:
    """The pieces that most texts have somewhere in them, the most frequent and longest first."""
    ranked = []
    for place, piece in enumerate(pieces):
        if piece.cut in (0, 1):
            spelled = spell((piece,), texts, len(made))
            count = sum(bool(p) and p in t for t, p in zip(made, spelled, strict=True) if p)
            if count >= _SOMEWHERE * len(made):
                ranked.append((-count, piece.cut, place))
    return [pieces[place] for _, _, place in sorted(ranked)[:_TRIED]]


def _within(spelling: Spelling, made: Sequence[str], texts: Texts) -> tuple[Spelling, int] | None:
    """A spelling with the most frequent literals around it, and how many texts it makes."""
    ends = Counter[tuple[str, str]]()
    for text, inner in zip(made, spell(spelling, texts, len(made)), strict=True):
        place = text.find(inner) if inner else -1
        if inner and place >= 0:
            ends[text[:place], text[place + len(inner) :]] += 1
    if not ends:
        return None
    (before, after), count = ends.most_common(1)[0]
    first = (Piece(text=before),) if before else ()
    last = (Piece(text=after),) if after else ()
    return (*first, *spelling, *last), count


def to_json(spelling: Spelling) -> list[dict[str, Any]]:
    """Plain values."""
    return [vars(piece) for piece in spelling]


def from_json(held: Sequence[Mapping[str, Any]]) -> Spelling:
    """What ``to_json`` gave."""
    return tuple(Piece(**piece) for piece in held)
