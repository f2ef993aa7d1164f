"""Training channels: what the files hold, how they are split, and that they appear whole."""

from __future__ import annotations

import csv
import datetime as dt
import hashlib
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

import synthlake
from synthlake.errors import SinkError, SpecError
from synthlake_connectors.sagemaker import Channels, ChannelSettings, export_channels
from synthlake_connectors.sagemaker.place import place_of
from synthlake_connectors.sagemaker.rows import in_validation

ROWS = 1_000
NAMES = ["b", "", "ä", None]


def table(rows: int = ROWS) -> pa.Table:
    numbers = range(rows)
    days = [dt.date(2013, 1, 1) + dt.timedelta(n % 9) for n in numbers]
    times = [dt.datetime(2013, 1, 1, tzinfo=dt.UTC) + dt.timedelta(seconds=n / 2) for n in numbers]
    return pa.table(
        {
            "id": pa.array(numbers, pa.int64()),
            "name": pa.array([NAMES[n % 4] for n in numbers]).dictionary_encode(),
            "late": pa.array([None if n % 10 == 7 else n % 3 == 0 for n in numbers]),
            "share": pa.array([float("nan") if n % 5 == 0 else n / 8 for n in numbers]),
            "price": pa.array([Decimal(n) / 4 for n in numbers], pa.decimal128(9, 2)),
            "day": pa.array(days),
            "at": pa.array(times, pa.timestamp("us", "UTC")),
            "clock": pa.array([dt.time(0, 0, n % 60) for n in numbers], pa.time32("s")),
            "note": [f"text {n}" for n in numbers],
            "raw": [b"x"] * rows,
        }
    )


def lines(channels: Channels, channel: str) -> list[list[str]]:
    folder = Path(channels.uri) / channel
    names = [file["name"] for file in channels.manifest["channels"][channel]["files"]]
    assert sorted(p.name for p in folder.iterdir()) == names
    found = []
    for name in names:
        with (folder / name).open(newline="") as file:
            found += list(csv.reader(file))
    return found


def test_csv_is_numbers_with_the_label_first(tmp_path: Path) -> None:
    source = {"t": table()}
    made = export_channels(source, tmp_path, table="t", label="late", max_categories=10)
    manifest = made.manifest
    assert json.loads((Path(made.uri) / "manifest.json").read_bytes()) == manifest
    assert [c["name"] for c in manifest["columns"]] == [
        "late", "id", "name", "share", "price", "day", "at", "clock",
    ]  # fmt: skip
    assert manifest["left_out"] == {"note": "has more than 10 values", "raw": "is binary"}
    coded = next(c for c in manifest["columns"] if c["name"] == "name")
    assert coded == {"name": "name", "encoding": "code", "categories": ["", "b", "ä"]}
    rows = {int(line[1]): line for c in ("train", "validation") for line in lines(made, c)}
    real = table().to_pylist()
    assert sorted(rows) == [row["id"] for row in real if row["late"] is not None]
    for number, line in rows.items():
        row = real[number]
        missing = row["name"] is None
        assert line[0] == str(int(row["late"]))
        assert line[2] == ("" if missing else str(["", "b", "ä"].index(row["name"])))
        assert line[3] == "" if np.isnan(row["share"]) else float(line[3]) == row["share"]
        assert Decimal(line[4]) == row["price"]
        assert int(line[5]) == (row["day"] - dt.date(1970, 1, 1)).days
        assert float(line[6]) == row["at"].timestamp()
        assert int(line[7]) == row["clock"].second
    left_out = {c: e["rows_without_label"] for c, e in manifest["channels"].items()}
    assert sum(left_out.values()) == ROWS // 10


def test_the_split_follows_from_the_numbers_of_the_rows(tmp_path: Path) -> None:
    whole = in_validation(0, 100_000, 0.2)
    assert abs(whole.mean() - 0.2) < 0.005
    pieces = [in_validation(start, 1_000, 0.2) for start in range(0, 100_000, 1_000)]
    assert (np.concatenate(pieces) == whole).all()
    made = export_channels({"t": table()}, tmp_path, table="t", label="id", columns=["price"])
    found = {int(line[0]) for line in lines(made, "validation")}
    assert found == set(np.flatnonzero(in_validation(0, ROWS, 0.2)).tolist())
    assert {int(line[0]) for line in lines(made, "train")} == set(range(ROWS)) - found


def test_real_rows_are_a_channel_of_their_own(tmp_path: Path) -> None:
    real = table(40).set_column(1, "name", pa.array(["b", "real only"] * 20).dictionary_encode())
    made = export_channels(
        {"t": table()}, tmp_path, table="t", label="id", holdout={"t": real}, validation=0,
        columns=["name"],
    )  # fmt: skip
    assert list(made.manifest["channels"]) == ["train", "holdout_real"]
    assert lines(made, "holdout_real") == [[str(n), ["1", ""][n % 2]] for n in range(40)]
    assert made.manifest["channels"]["holdout_real"]["values_without_code"] == {"name": 20}
    assert "real only" not in json.dumps(made.manifest)


def test_no_row_that_was_learned_from_is_in_the_real_channel(tmp_path: Path) -> None:
    """Changing every row of the channel changes nothing that is learned, and no other row does."""
    random = np.random.default_rng(0)
    roots, rows = 1_000, 2_500
    shops = pa.table({"shop": range(roots), "kind": random.choice(["u", "v"], roots)})
    sales = pa.table(
        {
            "sale": range(rows),
            "shop": random.integers(0, roots, rows),
            "price": random.normal(size=rows).round(3),
        }
    )
    schema = {
        "shops": {"primary_key": ["shop"]},
        "sales": {
            "primary_key": ["sale"],
            "foreign_keys": [{"columns": ["shop"], "references": "shops"}],
        },
    }
    real = {"shops": shops, "sales": sales}
    learned = synthlake.fit(real, schema, seed=3)
    made = export_channels(
        learned.sample(seed=1), tmp_path, table="sales", label="price", format="parquet",
        columns=["sale", "shop"], holdout=synthlake.holdout(real, learned),
    )  # fmt: skip
    held = pq.read_table(Path(made.uri) / "holdout_real")
    assert 0 < held.num_rows < rows / 5
    inside = pc.is_in(sales["sale"], value_set=held["sale"].combine_chunks())
    assert held.select(["sale", "shop", "price"]).sort_by("sale") == sales.filter(inside)

    def spoilt(chosen: Any) -> str:
        changed = pc.if_else(chosen, 1e6, sales["price"])
        other = {**real, "sales": sales.set_column(2, "price", changed)}
        return synthlake.fit(other, schema, seed=3).id

    assert spoilt(inside) == learned.id
    assert spoilt(pc.invert(inside)) != learned.id


@pytest.mark.parametrize("format", ["parquet", "jsonlines"])
def test_other_formats_keep_values(tmp_path: Path, format: Any) -> None:
    made = export_channels(
        {"t": table()}, tmp_path, table="t", label="late", format=format,
        columns=["id", "name", "note"], validation=0.5,
    )  # fmt: skip
    found = []
    for channel in ("train", "validation"):
        for path in sorted((Path(made.uri) / channel).iterdir()):
            if format == "parquet":
                found += pq.read_table(path).to_pylist()
            else:
                found += [json.loads(line) for line in path.read_text().splitlines()]
    expected = table().select(["late", "id", "name", "note"]).to_pylist()
    wanted = [row for row in expected if row["late"] is not None]
    assert sorted(found, key=lambda row: row["id"]) == wanted
    assert list(found[0]) == ["late", "id", "name", "note"]


def test_the_same_content_is_written_once(tmp_path: Path) -> None:
    made = [
        export_channels({"t": table()}, tmp_path, table="t", label="id", columns=["price"])
        for _ in range(2)
    ]
    assert made[0] == made[1]
    assert [p.name for p in tmp_path.iterdir()] == [made[0].manifest["id"]]
    for name, channel in made[0].manifest["channels"].items():
        for file in channel["files"]:
            content = (Path(made[0].uri) / name / file["name"]).read_bytes()
            assert hashlib.sha256(content).hexdigest() == file["sha256"]
            assert len(content) == file["bytes"]
    export_channels({"t": table(900)}, tmp_path, table="t", label="id", columns=["price"])
    assert len(list(tmp_path.iterdir())) == 2


def test_exports_of_the_same_content_may_meet(tmp_path: Path) -> None:
    place, manifest = place_of(tmp_path, {}), {"channels": {}}
    with place.staging() as first, place.staging() as second:
        place.publish(first, "0123", manifest)
        place.publish(second, "0123", manifest)
    assert [p.name for p in tmp_path.iterdir()] == ["0123"]
    (tmp_path / "4567").mkdir()
    (tmp_path / "4567" / "of others").write_text("")
    with pytest.raises(SinkError), place.staging() as third:
        place.publish(third, "4567", manifest)


def test_settings_show_no_secret() -> None:
    settings = ChannelSettings("t", "y", storage={"aws_secret_access_key": "Passw0rd"})
    assert "Passw0rd" not in repr(settings)


def test_many_rows_are_several_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("synthlake_connectors.sagemaker.export.ROWS_PER_FILE", 300)
    made = export_channels({"t": table()}, tmp_path, table="t", label="id", columns=["price"])
    train = made.manifest["channels"]["train"]
    assert [file["rows"] for file in train["files"]][:2] == [300, 300]
    assert sum(file["rows"] for file in train["files"]) == train["rows"]
    assert len(lines(made, "train")) == train["rows"]


@pytest.mark.parametrize(
    ("given", "match"),
    [
        ({"table": "u"}, "no table 'u'"),
        ({"label": "nam"}, "no column 'nam'"),
        ({"columns": ["x"]}, "no column 'x'"),
        ({"columns": ["price", "price"]}, "no list of different names"),
        ({"columns": "price"}, "no list of different names"),
        ({"columns": ["note"], "max_categories": 9}, "note has more than 9 values"),
        ({"label": "raw"}, "raw is binary"),
        ({"format": "libsvm"}, "no format 'libsvm'"),
        ({"validation": 1.0}, "no share"),
        ({"validation": 1e-9}, "channel validation would have no rows"),
        ({"holdout": {"t": pa.table({"id": ["x"]})}}, "no column id of the type int64"),
    ],
)
def test_what_cannot_be_is_refused(tmp_path: Path, given: dict[str, Any], match: str) -> None:
    asked = {"table": "t", "label": "id", "columns": ["price"], **given}
    with pytest.raises(SpecError, match=match):
        export_channels({"t": table()}, tmp_path, **asked)
    assert list(tmp_path.iterdir()) == []


def test_a_target_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("")
    with pytest.raises(SinkError, match="cannot be written to"):
        export_channels({"t": table()}, tmp_path / "x", table="t", label="id")
    with pytest.raises(SpecError, match="do not go to gs://"):
        export_channels({"t": table()}, "gs://bucket/x", table="t", label="id")
