"""Databases of a few hundred rows whose keys are harder than those of most."""

from __future__ import annotations

import datetime
from typing import Any

import numpy as np
import pyarrow as pa

import synthlake as sl

Database = dict[str, pa.Table]
Declared = dict[str, dict[str, Any]]
Fitted = tuple[Database, Any]


def key(columns: str, parent: str, mode: str = "own", to: str = "", **more: Any) -> dict[str, Any]:
    """A foreign key; columns are separated by spaces."""
    held = {"columns": columns.split(), "references": parent, "mode": mode, **more}
    return {**held, "to": to.split()} if to else held


def chain() -> tuple[Database, Declared]:
    """Customers, orders, lines (key: order and number) and their shipments, some of no line."""
    random = np.random.default_rng(1)
    orders, lines, shipments = 900, 2_000, 1_500
    order = np.sort(random.integers(0, orders, lines)) + 1_000
    number = np.arange(lines) - np.searchsorted(order, order) + 1
    picked = random.integers(0, lines, shipments)
    shipped, line = order[picked], number[picked]
    shipped[:150] = random.integers(5_000, 5_100, 150)
    tables = {
        "customers": {"customer": np.arange(300) + 1, "city": random.choice(["a", "b", "c"], 300)},
        "orders": {
            "order": np.arange(orders) + 1_000,
            "customer": random.integers(1, 301, orders),
            "kind": random.choice(["x", "y"], orders),
        },
        "lines": {"order": order, "number": number, "quantity": random.integers(1, 9, lines)},
        "shipments": {
            "shipment": np.arange(shipments),
            "order": shipped,
            "number": line,
            "weight": random.integers(0, 50, shipments),
        },
    }
    declared = {
        "customers": {"primary_key": ["customer"]},
        "orders": {"primary_key": ["order"], "foreign_keys": [key("customer", "customers")]},
        "lines": {"primary_key": ["order", "number"], "foreign_keys": [key("order", "orders")]},
        "shipments": {
            "primary_key": ["shipment"],
            "foreign_keys": [key("order number", "lines", "match")],
        },
    }
    return made(tables), declared


def teams() -> tuple[Database, Declared]:
    """Games and players of teams: two own keys, and two more keys, to one parent."""
    random = np.random.default_rng(3)
    referee = [None if x < 0.2 else int(x * 400) for x in random.random(1_500)]
    tables = {
        "teams": {"team": np.arange(400), "league": random.choice(["a", "b"], 400)},
        "games": {
            "game": np.arange(1_500),
            "home": random.integers(0, 400, 1_500),
            "away": random.integers(0, 400, 1_500),
            "referee": pa.array(referee, pa.int64()),
            "goals": random.integers(0, 5, 1_500),
        },
        "players": {
            "player": np.arange(1_200),
            "team": random.integers(0, 430, 1_200),
            "age": random.integers(18, 40, 1_200),
        },
    }
    declared = {
        "teams": {"primary_key": ["team"]},
        "games": {
            "primary_key": ["game"],
            "foreign_keys": [
                key("home", "teams", to="team"),
                key("away", "teams", "match", "team"),
                key("referee", "teams", "match", "team"),
            ],
        },
        "players": {"primary_key": ["player"], "foreign_keys": [key("team", "teams")]},
    }
    return made(tables), declared


def enrolments(*, term: bool = False) -> tuple[Database, Declared]:
    """Students, courses and who takes what: a key of two references, or of these and a term."""
    random = np.random.default_rng(4)
    student = random.integers(0, 500, 2_000)
    course = np.minimum(random.geometric(0.1, 2_000), 40)
    when = random.integers(0, 2, 2_000) if term else np.zeros(2_000, int)
    student, course, when = np.unique(np.stack([student, course, when]), axis=1)
    tables = {
        "students": {"student": np.arange(500), "year": random.integers(1, 5, 500)},
        "courses": {"course": np.arange(41), "field": random.choice(["m", "p"], 41)},
        "enrolments": {
            "student": student,
            "course": course,
            "term": np.array(["summer", "winter"])[when],
            "grade": random.integers(1, 7, len(student)),
        },
    }
    declared = {
        "students": {"primary_key": ["student"]},
        "courses": {"primary_key": ["course"]},
        "enrolments": {
            "primary_key": ["student", "course", *(["term"] if term else [])],
            "foreign_keys": [key("student", "students"), key("course", "courses", "match")],
        },
    }
    return made(tables), declared


def loans(
    *, own: str = "keep", match: str = "keep", lost: bool = True
) -> tuple[Database, Declared]:
    """Few branches have loans at all; of some loans the branch or the broker is not there."""
    random = np.random.default_rng(8)
    branch = random.integers(0, 30, 900)
    if lost:
        branch[random.random(900) < 0.1] += 500
    broker = [None if x < 0.1 else int(x * 330) for x in random.random(900)]
    tables = {
        "branches": {"branch": np.arange(500), "size": random.integers(0, 4, 500)},
        "brokers": {"broker": np.arange(300), "size": random.integers(0, 4, 300)},
        "loans": {
            "loan": np.arange(900),
            "branch": branch,
            "broker": pa.array(broker, pa.int64()),
            "sum": random.integers(0, 99, 900),
        },
    }
    declared = {
        "branches": {"primary_key": ["branch"]},
        "brokers": {"primary_key": ["broker"]},
        "loans": {
            "primary_key": ["loan"],
            "foreign_keys": [
                key("branch", "branches", orphans=own),
                key("broker", "brokers", "match", orphans=match),
            ],
        },
    }
    return made(tables), declared


def days(count: int) -> pa.Array:
    """Consecutive dates."""
    first = datetime.date(2020, 1, 1)
    return pa.array([first + datetime.timedelta(place) for place in range(count)])


def made(tables: dict[str, dict[str, Any]]) -> Database:
    """Arrow tables of columns."""
    return {name: pa.table(columns) for name, columns in tables.items()}


def fit(given: tuple[Database, Declared], **more: Any) -> Fitted:
    """A database and what was learned of it."""
    tables, declared = given
    return tables, sl.fit(tables, declared, seed=1, **more)


def rows_of(table: pa.Table, columns: str) -> list[tuple[Any, ...]]:
    """Values of some columns, row by row."""
    return list(zip(*(table[c].to_pylist() for c in columns.split()), strict=True))


def repeats(table: pa.Table, columns: str) -> int:
    """Rows that repeat a key."""
    rows = rows_of(table, columns)
    return len(rows) - len(set(rows))


def rates(
    tables: Database, child: str, columns: str, parent: str, to: str = ""
) -> tuple[float, float]:
    """Shares of a child's rows whose reference is NULL, and of those whose parent is missing."""
    known = set(rows_of(tables[parent], to or columns))
    rows = rows_of(tables[child], columns)
    null = sum(None in row for row in rows)
    orphans = sum(None not in row and row not in known for row in rows)
    return null / max(len(rows), 1), orphans / max(len(rows), 1)
