"""CSV: types from all rows, NULL and empty text, codes, options, and what is not CSV."""

from __future__ import annotations

import gzip
import traceback
from pathlib import Path

import pyarrow as pa
import pytest

from synthlake.errors import SourceError
from synthlake.schema.model import Column, Schema, Table
from synthlake.sink import FolderSink
from synthlake.source import open_source, read_table

ODD = 'select "x"; drop'


def one(tmp_path: Path, text: str, **options: object) -> pa.Table:
    (tmp_path / "t.csv").write_text(text, encoding="utf-8")
    return read_table(open_source(tmp_path / "t.csv", options=options), "t")


def test_types_come_from_all_rows(tmp_path: Path) -> None:
    text = "a,b,c,d\n" + "1,1.5,true,2020-01-01\n" * 30_000 + "x,,false,\n"
    table = one(tmp_path, text)
    assert table.schema.types == [pa.string(), pa.float64(), pa.bool_(), pa.date32()]
    assert table.slice(30_000).to_pylist() == [{"a": "x", "b": None, "c": False, "d": None}]


def test_digits_that_begin_with_zero_stay_text(tmp_path: Path) -> None:
    table = one(tmp_path, "zip,n,f,neg\n00501,10,0.5,-1\n10001,0,0.25,0\n")
    assert table.schema.types == [pa.string(), pa.int64(), pa.float64(), pa.int64()]
    assert table["zip"].to_pylist() == ["00501", "10001"]


def test_null_texts_and_empty_ones(tmp_path: Path) -> None:
    text = 'a,b\n"",1\nNA,2\n,NA\n'
    assert one(tmp_path, text)["a"].to_pylist() == [None, "NA", None]
    assert one(tmp_path, text, null="NA")["b"].to_pylist() == [1, 2, None]
    assert one(tmp_path, text, quoted_null=False)["a"].to_pylist() == ["", "NA", None]


def test_options(tmp_path: Path) -> None:
    assert one(tmp_path, "a;b\n1,5;2\n", delim=";", decimal_separator=",")["a"][0].as_py() == 1.5
    assert one(tmp_path, "1,2\n", header=False).num_rows == 1
    table = one(tmp_path, "a,b\n1,2\n", types={"t": {"a": "VARCHAR"}})
    assert table.schema.types == [pa.string(), pa.int64()]
    with pytest.raises(SourceError, match="did you mean delim"):
        one(tmp_path, "a\n1\n", dlim=";")


def test_odd_names_quotes_and_lines(tmp_path: Path) -> None:
    table = one(tmp_path, '"select ""x""; drop",b\n"line\none","a ""q"""\n')
    assert table.to_pylist() == [{ODD: "line\none", "b": 'a "q"'}]


def test_header_alone_and_compressed_parts(tmp_path: Path) -> None:
    assert one(tmp_path, "a,b\n").num_rows == 0
    (tmp_path / "p").mkdir()
    for part in range(2):
        with gzip.open(tmp_path / "p" / f"{part}.csv.gz", "wt") as file:
            file.write(f"a\n{part}\n")
    source = open_source(tmp_path)
    assert list(source.schema().tables) == ["p", "t"]
    assert read_table(source, "p")["a"].to_pylist() == [0, 1]


def test_columns_of_one_name_are_refused(tmp_path: Path) -> None:
    for text in ("a,b,a\n1,2,3\n", '"a";"A"\n1;2\n'):
        with pytest.raises(SourceError, match="one name in SQL"):
            one(tmp_path, text)


@pytest.mark.parametrize("delim", ",;|\t")
def test_the_delimiter_is_that_of_the_header(tmp_path: Path, delim: str) -> None:
    text = f'"x,;|\t\ny"{delim}b{delim}c\n1{delim}2{delim}3\n'
    assert one(tmp_path, text).to_pylist() == [{"x,;|\t\ny": 1, "b": 2, "c": 3}]
    assert one(tmp_path, "title, of, all, this\n" + text, skip=1).num_rows == 1


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a,b\nhunter2,2\nhunter2,3,4,hunter2,6\n",
        "a,b\n1,2\nhunter2\n4,5\n",
        'a,b\n"hunter2,2\n',
        "a,b\n" + "1,2\n" * 30_000 + "1,2,hunter2\n",
        "a,b\n1,\udcff\n",
    ],
)
def test_what_is_not_csv_is_an_error_without_values(tmp_path: Path, text: str) -> None:
    (tmp_path / "t.csv").write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(SourceError) as caught:
        open_source(tmp_path)
    assert "hunter2" not in "".join(traceback.format_exception(caught.value))


def test_our_own_csv_keeps_empty_texts_and_nulls_apart(tmp_path: Path) -> None:
    columns = (
        Column("s", pa.string()),
        Column("n", pa.int64()),
        Column("z", pa.timestamp("us", "UTC")),
    )
    sink = FolderSink(tmp_path / "twin", format="csv")
    sink.open("r", Schema({"t": Table("t", columns)}))
    batch = pa.record_batch(
        [["", None, 'a "q",\n'], [1, None, 3], pa.array([1, None, 10**15], columns[2].type)],
        names=["s", "n", "z"],
    )
    sink.write_part("t", 0, [batch])
    sink.write_part("t", 1, [batch])
    sink.publish({})
    table = read_table(open_source(tmp_path / "twin"), "t")
    assert table == pa.Table.from_batches([batch, batch])
