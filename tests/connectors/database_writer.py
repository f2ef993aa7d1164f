"""A process that writes a twin into a database, to be killed: URL, schema, run, and its numbers."""

from __future__ import annotations

import sys

import pyarrow as pa

from synthlake.api import Column, ForeignKey, Schema, Table
from synthlake.sink import open_sink

PARENTS, CHILDREN, PARTS = 300, 6_000, 4


def schema() -> Schema:
    parent = Table("parent", (Column("id", pa.int64()), Column("run", pa.int64())), ("id",))
    child = Table(
        "child",
        (Column("id", pa.int64()), Column("parent", pa.int64()), Column("run", pa.int64())),
        ("id",),
        (ForeignKey(("parent",), "parent", ("id",)),),
    )
    return Schema({"parent": parent, "child": child})


def part(table: Table, number: int, run: int) -> pa.RecordBatch:
    count = (PARENTS if table.name == "parent" else CHILDREN) // PARTS
    ids = pa.array(range(number * count, (number + 1) * count), pa.int64())
    runs = pa.array([run] * count, pa.int64())
    parents = pa.array([i % PARENTS for i in range(number * count, (number + 1) * count)])
    columns = [ids, runs] if table.name == "parent" else [ids, parents, runs]
    return pa.RecordBatch.from_arrays(columns, schema=table.arrow)


def write(url: str, space: str | None, run: int) -> None:
    sink, tables = open_sink(url, schema=space), schema()
    sink.open(f"run{run}", tables, fingerprint=str(run))
    for table in tables:
        for number in range(PARTS):
            if not sink.has_part(table.name, number):
                sink.write_part(table.name, number, [part(table, number, run)])
            print(f"{table.name} {number}", flush=True)
    print("publish", flush=True)
    sink.publish({"seed": run})
    print("done", flush=True)


if __name__ == "__main__":
    write(sys.argv[1], sys.argv[2] or None, int(sys.argv[3]))
