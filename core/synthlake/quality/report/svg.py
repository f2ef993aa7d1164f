"""The report's pictures, drawn as inline SVG. Colours are classes, so that they follow the page."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise

from markupsafe import Markup, escape

from synthlake.quality.pictures import Bars, Cells

_W, _H = 360, 150
_LEFT, _BOTTOM, _TOP = 38, 22, 8


def _svg(width: float, height: float, label: str, parts: Iterable[str], kind: str = "") -> Markup:
    body = "".join(parts)
    size = f' style="width:{width:g}px"' if kind == "wide" else ""  # as large as its text needs
    return Markup(
        f'<svg class="plot {kind}"{size} viewBox="0 0 {width:g} {height:g}" role="img" '
        f'aria-label="{escape(label)}" preserveAspectRatio="xMinYMin meet">{body}</svg>'
    )


def _text(x: float, y: float, words: str, kind: str = "", anchor: str = "start") -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" class="{kind}" text-anchor="{anchor}">'
        f"{escape(words)}</text>"
    )


def _rect(x: float, y: float, width: float, height: float, kind: str, extra: str = "") -> str:
    return (
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{max(width, 0):.1f}" '
        f'height="{max(height, 0):.1f}" class="{kind}"{extra}/>'
    )


def shorten(words: str, length: int) -> str:
    """At most so many characters."""
    return words if len(words) <= length else words[: length - 1] + "…"


def bars(picture: Bars, label: str) -> Markup:
    """Real and twin overlaid: areas of an axis, or pairs of bars."""
    return _areas(picture, label) if picture.ordered else _pairs(picture, label)


def _areas(picture: Bars, label: str) -> Markup:
    top = max(*picture.real, *picture.twin, 1e-12)
    count, wide, high = len(picture.real), _W - _LEFT - 6, _H - _TOP - _BOTTOM

    def outline(shares: Sequence[float]) -> str:
        points = [f"{_LEFT:.1f},{_TOP + high:.1f}"]
        for i, share in enumerate(shares):
            y = _TOP + high * (1 - share / top)
            points += [f"{_LEFT + wide * (i + e) / count:.1f},{y:.1f}" for e in (0, 1)]
        return " ".join([*points, f"{_LEFT + wide:.1f},{_TOP + high:.1f}"])

    parts = [
        f'<line class="axis" x1="{_LEFT}" x2="{_W - 6}" y1="{_TOP + high}" y2="{_TOP + high}"/>',
        f'<polygon class="real" points="{outline(picture.real)}"/>',
        f'<polyline class="twin" points="{outline(picture.twin)}"/>',
        _text(_LEFT - 4, _TOP + 9, f"{top:.0%}" if top >= 0.095 else f"{top:.1%}", "tick", "end"),
        _text(_LEFT - 4, _TOP + high, "0", "tick", "end"),
    ]
    for place, anchor in ((0, "start"), (count // 2, "middle"), (count, "end")):
        if count > 1 or place != count // 2:
            x = _LEFT + wide * place / count
            parts.append(_text(x, _H - 6, picture.labels[place], "tick", anchor))
    return _svg(_W, _H, label, parts)


def _pairs(picture: Bars, label: str) -> Markup:
    line, left = 19, 108
    top = max(*picture.real, *picture.twin, 1e-12)
    wide, parts = _W - left - 82, []
    for i, name in enumerate(picture.labels):
        y = 4 + i * line
        real, twin = picture.real[i], picture.twin[i]
        parts += [
            f"<g><title>{escape(name)}: real {real:.2%}, twin {twin:.2%}</title>",
            _text(left - 6, y + 11, shorten(name, 14 if name.isupper() else 17), "name", "end"),
            _rect(left, y + 1, wide * real / top, 7, "real"),
            _rect(left, y + 8, wide * twin / top, 6, "twin-bar"),
            _text(
                left + wide * max(real, twin) / top + 4, y + 11, f"{real:.1%} / {twin:.1%}", "tick"
            ),
            "</g>",
        ]
    return _svg(_W, 8 + line * len(picture.labels), label, parts)


def columns(picture: Bars, label: str) -> Markup:
    """Pairs of upright bars, for few bins with names."""
    top = max(*picture.real, *picture.twin, 1e-12)
    count, wide, high = len(picture.labels), _W - _LEFT - 6, _H - _TOP - _BOTTOM
    slot = wide / count
    parts = [
        f'<line class="axis" x1="{_LEFT}" x2="{_W - 6}" y1="{_TOP + high}" y2="{_TOP + high}"/>',
        _text(_LEFT - 4, _TOP + 9, f"{top:.0%}", "tick", "end"),
        _text(_LEFT - 4, _TOP + high, "0", "tick", "end"),
    ]
    every = _every(picture.labels, slot)
    for i, name in enumerate(picture.labels):
        x = _LEFT + slot * i + slot * 0.12
        tall = [high * s / top for s in (picture.real[i], picture.twin[i])]
        parts += [
            f"<g><title>{escape(name)}: real {picture.real[i]:.2%}, "
            f"twin {picture.twin[i]:.2%}</title>",
            _rect(x, _TOP + high - tall[0], slot * 0.38, tall[0], "real"),
            _rect(x + slot * 0.38, _TOP + high - tall[1], slot * 0.38, tall[1], "twin-bar"),
            "</g>",
        ]
        if not i % every:
            parts.append(_text(x + slot * 0.38, _H - 6, name, "tick", "middle"))
    return _svg(_W, _H, label, parts)


def _every(names: Sequence[str], slot: float) -> int:
    """Each which name is written, so that none runs into the next; slots are that far apart."""
    for step in range(1, len(names)):
        shown = pairwise(names[::step])
        if all(3.1 * (len(a) + len(b)) + 4 <= slot * step for a, b in shown):
            return step
    return max(1, len(names))


def cells(picture: Cells, label: str) -> Markup:
    """Shares of the pairs of codes, real on the left, twin on the right, in the same shades."""
    top = max((v for m in (picture.real, picture.twin) for row in m for v in row), default=0.0)
    side, gap, high = 160, 24, 128
    parts = []
    for number, (matrix, title) in enumerate(((picture.real, "real"), (picture.twin, "twin"))):
        left = 6 + number * (side + gap)
        parts.append(_text(left, 10, title, "tick"))
        parts.append(_rect(left, 15, side, high, "empty"))
        rows, wide = len(matrix), len(matrix[0]) if matrix else 0
        for i, row in enumerate(matrix):
            for j, share in enumerate(row):
                # the root shows what a linear shade would hide
                shade = (share / top) ** 0.5 if top else 0.0
                if shade >= 0.02:
                    parts.append(
                        _rect(left + side * j / wide, 15 + high * (rows - 1 - i) / rows,
                              side / wide, high / rows, ("real-cell", "twin-cell")[number],
                              f' fill-opacity="{shade:.2f}"')
                    )  # fmt: skip
    caption = f"↑ {shorten(picture.names[0], 24)}   → {shorten(picture.names[1], 24)}"
    parts.append(_text(6, 15 + high + 14, caption, "tick"))
    return _svg(_W, 15 + high + 20, label, parts)


def correlations(gaps: Mapping[tuple[str, str], tuple[float, float]], label: str) -> Markup:
    """Differences of the correlations of all pairs: the darker, the larger."""
    names = sorted({n for pair in gaps for n in pair})
    order = list(dict.fromkeys(n for pair in gaps for n in pair))
    order += [n for n in names if n not in order]
    place = {name: i for i, name in enumerate(order)}
    size, left = max(14.0, min(26.0, 420 / max(len(order), 1))), 96
    wide = left + size * len(order) + 70
    parts = [_text(left - 6, size * (i + 0.68) + 4, shorten(n, 15), "name", "end")
             for n, i in place.items() if i]  # fmt: skip
    for (a, b), (real, twin) in gaps.items():
        i, j = sorted((place[a], place[b]))
        gap = twin - real
        kind, strength = ("more" if gap > 0 else "less"), min(abs(gap), 1.0) ** 0.7
        title = f"<title>{escape(a)} × {escape(b)}: real {real:.3f}, twin {twin:.3f}</title>"
        x, y = left + size * i, size * j + 4
        parts.append(
            f"<g>{title}{_rect(x, y, size - 1, size - 1, 'empty')}"
            + _rect(x, y, size - 1, size - 1, kind, f' fill-opacity="{strength:.2f}"')
            + "</g>"
        )
    high = size * len(order) + 70
    for name, i in list(place.items())[:-1]:  # a pair is of an earlier and a later one
        x, y = left + size * (i + 0.62), size * len(order) + 12
        parts.append(
            f'<text class="name" transform="translate({x:.1f} {y:.1f}) rotate(55)">'
            f"{escape(shorten(name, 12))}</text>"
        )
    return _svg(wide, high, label, parts, "wide")


def track(
    best: float, twin: float | None, ceiling: float | None, floor: float | None, label: str
) -> Markup:
    """Where the twin stands between independent columns (left) and perfect (right)."""
    # a tenth at least, lest small differences look like large ones
    far = max(0.1, *(abs(v - best) for v in (twin, ceiling, floor) if v is not None))

    def place(value: float) -> float:
        return 8 + 124 * (1 - min(abs(value - best) / far, 1.0))

    parts = ['<line class="axis" x1="8" x2="132" y1="9" y2="9"/>']
    if floor is not None:
        x = place(floor)
        parts.append(f'<path class="floor" d="M{x - 5:.1f} 9 l5 -5 l5 5 l-5 5 z"/>')
    if ceiling is not None:
        parts.append(_rect(place(ceiling) - 1.25, 2, 2.5, 14, "ceiling"))
    if twin is not None:
        parts.append(f'<circle class="twin-dot" cx="{place(twin):.1f}" cy="9" r="4.5"/>')
    return _svg(140, 18, label, parts, "track")
