"""The report as one HTML file that needs no network."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from synthlake.ports import Score
from synthlake.quality.metric import Metric
from synthlake.quality.pictures import WORST, Bars, Cells, worst_columns, worst_pairs
from synthlake.quality.report import svg
from synthlake.quality.report.attacked import attacked
from synthlake.quality.report.audited import shown
from synthlake.quality.report.grouped import audited, matched
from synthlake.quality.report.terminal import figure
from synthlake.quality.result import Line, Row

if TYPE_CHECKING:
    from synthlake.quality.report.report import Report

KINDS = (
    ("integrity", "Structure and keys"),
    ("fidelity", "Likeness"),
    ("utility", "Usefulness"),
    ("copy", "Copies"),
    ("attack", "Attacks"),
)
_WORDS = {"PASS": "The twin may be used", "WARN": "Look before you use the twin",
          "FAIL": "Do not use the twin yet"}  # fmt: skip


def html(report: Report) -> str:
    """The page."""
    return page("page.html.j2", view(report))


def page(name: str, shown: Mapping[str, Any]) -> str:
    """A template of this room with its style, everything escaped."""
    from jinja2 import Environment, StrictUndefined

    folder = files("synthlake.quality.report")
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["figure"] = figure
    template = environment.from_string((folder / name).read_text("utf-8"))
    style = Markup((folder / "page.css").read_text("utf-8"))
    return template.render(shown, style=style)


def view(report: Report) -> dict[str, Any]:
    """Everything that the template shows."""
    return {
        "decision": report.decision,
        "words": _WORDS[report.decision],
        "sentence": _sentence(report),
        "gates": report.gates,
        "advice": report.advice,
        "ceiling": "ceiling" in report.roles,
        "floor": "floor" in report.roles,
        "groups": _groups(report),
        "tables": [_table(report, name) for name in _largest_first(report)],
        "keys": _keys(report),
        "copies": _copies(report),
        "attacks": attacked(report),
        "audit": shown(report.audit),
        "fairness": audited(report),
        "matches": matched(report),
        "about": _about(report),
    }


def _largest_first(report: Report) -> list[str]:
    return sorted(report.rows, key=lambda name: -report.rows[name][0])


def _sentence(report: Report) -> str:
    missed = [g for g in report.gates if g.decision != "PASS"]
    total = len(report.gates)
    if not total:
        return "No gate was set."
    if untested := sum(1 for g in report.gates if g.decision == "PASS" and not g.tested):
        kept = total - untested - len(missed)
        return f"{kept} of {total} gates are kept, {len(missed)} not, {untested} not tested."
    if not missed:
        return f"All {total} gates are kept."
    names = ", ".join(dict.fromkeys(g.gate.metric for g in missed))
    return f"{len(missed)} of {total} gates not kept: {names}."


def _groups(report: Report) -> list[dict[str, Any]]:
    lines = [line for line in report.lines() if line.scored]
    out = []
    for kind, title in KINDS:
        mine = [_line(line) for line in lines if line.metric.kind == kind]
        if mine:
            out.append({"title": title, "lines": mine})
    return out


def explained(metric: Metric) -> str:
    """What a metric is, in a sentence."""
    return (metric.__doc__ or metric.title).split("\n", 1)[0]


def _line(line: Line) -> dict[str, Any]:
    twin, ceiling, floor = line.mean
    shown = ("twin", twin), ("ceiling", ceiling), ("floor", floor)
    label = f"{line.metric.title}: " + ", ".join(f"{n} {figure(v)}" for n, v in shown)
    return {
        "line": line, "metric": line.metric, "twin": twin, "ceiling": ceiling, "floor": floor,
        "explained": explained(line.metric), "worst": line.worst[0], "subject": line.subject,
        "interval": line.interval,
        "track": svg.track(line.metric.best, twin, ceiling, floor, label),
    }  # fmt: skip


def _table(report: Report, name: str) -> dict[str, Any]:
    mine = [r for r in report.scores if r.subject.table == name]
    columns = [_drawn(report, r) for r in worst_columns(mine)]
    pairs = [_drawn(report, r) for r in worst_pairs(mine)]
    return {
        "name": name,
        "rows": report.rows[name],
        "columns": [c for c in columns if c["picture"]][:WORST],
        "pairs": [p for p in pairs if p["picture"]][:WORST],
        "correlations": _correlations(mine, name),
        "scored": _column_scores(report, mine),
        "unscored": _unscored(mine),
    }


def _drawn(report: Report, row: Row) -> dict[str, Any]:
    picture, drawn, note = report.pictures.get(row.subject), None, ""
    label = f"{row.subject.label}, real and twin"
    if isinstance(picture, Bars):
        drawn, note = svg.bars(picture, label), picture.note
    elif isinstance(picture, Cells):
        drawn = svg.cells(picture, label)
    return {"row": row, "picture": drawn, "note": note, "title": " × ".join(row.subject.columns),
            "figures": _three(row)}  # fmt: skip


def _three(row: Row) -> str:
    parts = [f"{row.metric} {figure(row.twin.value)}"]
    for name, score in (("ceiling", row.ceiling), ("floor", row.floor)):
        if score is not None and score.value is not None:
            parts.append(f"{name} {figure(score.value)}")
    return " · ".join(parts)


def _correlations(rows: Sequence[Row], table: str) -> Markup | None:
    gaps = {
        (r.subject.columns[0], r.subject.columns[1]): (
            float(r.twin.detail["real"]), float(r.twin.detail["candidate"]),
        )
        for r in rows
        if r.metric == "pearson" and r.twin.value is not None
    }  # fmt: skip
    return svg.correlations(gaps, f"correlation differences of {table}") if len(gaps) > 2 else None


def _column_scores(report: Report, rows: Iterable[Row]) -> dict[str, Any]:
    """All figures of single columns: one line a column."""
    names = [n for n, m in report.metrics.items() if m.kind == "fidelity"]
    found: dict[str, dict[str, Row]] = {}
    for row in rows:
        if len(row.subject.columns) == 1 and row.metric in names:
            found.setdefault(row.subject.columns[0], {})[row.metric] = row
    used = [n for n in names if any(n in f and f[n].twin.value is not None for f in found.values())]
    return {
        "metrics": used,
        "lines": [(c, [f.get(n) for n in used]) for c, f in found.items()],
    }


def _unscored(rows: Iterable[Row]) -> list[tuple[str, str, str]]:
    """What has no figure and why; pairs are counted by their reason."""
    single: dict[tuple[str, str], list[str]] = {}
    pairs: dict[tuple[str, str], int] = {}
    for row in rows:
        if row.twin.value is not None:
            continue
        if len(row.subject.columns) == 2:
            key = (row.metric, row.twin.reason)
            pairs[key] = pairs.get(key, 0) + 1
        else:
            single.setdefault((row.subject.label, row.twin.reason), []).append(row.metric)
    out = [(label, ", ".join(names), why) for (label, why), names in single.items()]
    return out + [(f"{n} pairs", name, why) for (name, why), n in pairs.items()]


def _keys(report: Report) -> list[dict[str, Any]]:
    by: dict[str, dict[str, Row]] = {}
    for row in report.scores:
        if row.subject.key and row.metric != "constraints":  # whose key is the text of a rule
            by.setdefault(row.subject.key, {})[row.metric] = row
    out = []
    for label, found in by.items():
        degrees = found.get("degrees")
        picture = report.pictures.get(degrees.subject) if degrees else None
        drawn = svg.columns(picture, f"children per parent of {label}") if isinstance(
            picture, Bars) else None  # fmt: skip
        out.append({
            "label": label, "picture": drawn,
            "orphans": _rates(found.get("orphans")), "nulls": _rates(found.get("null_keys")),
            "degrees": degrees, "figures": _three(degrees) if degrees else "",
        })  # fmt: skip
    return out


def _rates(row: Row | None) -> str:
    if row is None or row.twin.value is None:
        return "-"
    return f"{row.twin.detail['real']:.2%} / {row.twin.detail['candidate']:.2%}"


def _copies(report: Report) -> list[dict[str, Any]]:
    """By table: exact copies with their base rate, and memorised rows with the control."""
    out: dict[str, dict[str, Any]] = {}
    for name in ("copies", "memorised", "nndr"):
        for row in report.of(name):
            table = out.setdefault(row.subject.table, {"table": row.subject.table})
            table[name] = row.twin
            table[f"{name}_floor"] = _value(row.floor)
            table[f"{name}_ceiling"] = _value(row.ceiling)
    return [t for t in out.values() if "copies" in t]


def _value(score: Score | None) -> float | None:
    return score.value if score else None


def _about(report: Report) -> list[tuple[str, str]]:
    settings = report.settings
    rows = "; ".join(f"{t}: {a:,} real, {b:,} twin" for t, (a, b) in report.rows.items())
    return [
        *((str(k), str(v)) for k, v in settings.about.items()),
        ("tier", settings.tier),
        ("seed of the judge" if "seed" in settings.about else "seed", str(settings.seed)),
        ("rows", rows),
        ("rows a model sees", f"{settings.max_rows:,} a side"),
        ("compared with", ", ".join(r for r in report.roles if r != "twin") or "nothing"),
        ("shown values", f"held by at least {settings.k} real rows"),
        *([("seconds", f"{report.seconds:.1f}")] if report.seconds else []),
    ]
