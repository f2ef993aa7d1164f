"""The files of a channel as a source of the training container.

SageMaker's CSV has no header, and whoever reads it as if it had one loses a row and takes cells
for names. So such files are read with the names that ``columns`` gives them, or not at all.
"""

from __future__ import annotations

import csv
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from synthlake.api import Source, errors, open

_TABLE: Final = re.compile(r"[^./_%\0][^/%\0]{0,62}")  # a folder's name, which the source takes
_NUMBER: Final = re.compile(r"\s*[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?\s*", re.IGNORECASE)
_DELIMITERS: Final = re.compile(r"[,;|\t]")


@dataclass(frozen=True)
class Form:
    """How the files of a channel are read.

    Attributes:
        table: whose parts they all are; None if they are tables of their own.
        columns: names of CSV without a header; none for files that have their names.
    """

    table: str | None = None
    columns: tuple[str, ...] = ()

    def check(self) -> None:
        """Refuse what cannot be.

        Raises:
            SpecError: the table's name is none for a folder, or there is no table to name.
        """
        if self.table is not None and _TABLE.fullmatch(self.table) is None:
            raise errors.SpecError(
                "table is no name for a folder",
                hint="begin with a letter, without / and %, in at most 63 characters",
            )
        if self.columns and self.table is None:
            raise errors.SpecError("columns are given without a table", hint="give table too")


@contextmanager
def opened(folder: Path, form: Form) -> Iterator[Source]:
    """A channel as a source.

    Raises:
        SourceMissingError: the channel is not there.
        SpecError: it is CSV without a header, ``columns`` is not for its files, or they are JSON
            Lines.
        SourceError: its files cannot be read.
    """
    if not folder.is_dir():
        raise errors.SourceMissingError(
            f"there is no folder {folder}", hint="the channel is not in File mode?"
        )
    if next(folder.rglob("*.jsonl"), None) is not None:
        raise errors.SpecError(
            f"the channel {folder.name} is JSON Lines, which has no types to learn from",
            hint="export it with format='parquet'",
        )
    texts = sorted(path for path in folder.rglob("*.csv") if path.is_file())
    with tempfile.TemporaryDirectory(prefix="synthlake-") as scratch:
        if form.table is None:
            _demand_headers(folder, texts)
            yield open(folder)
            return
        place = Path(scratch) / form.table
        if form.columns:
            _name_columns(folder, texts, place, form.columns)
        else:
            _demand_headers(folder, texts)
            place.symlink_to(folder.absolute(), target_is_directory=True)
        yield open(scratch)


def _demand_headers(folder: Path, texts: list[Path]) -> None:
    for path in texts:
        cells = [cell.strip('"') for cell in _DELIMITERS.split(_first(path).strip())]
        numbers = [cell for cell in cells if cell and _NUMBER.fullmatch(cell)]
        if numbers and len(numbers) == sum(map(bool, cells)):
            raise errors.SpecError(
                f"the CSV of the channel {folder.name} has no header",
                hint="name its columns by columns, a JSON list, as in the channels' manifest",
            )


def _name_columns(folder: Path, texts: list[Path], place: Path, names: tuple[str, ...]) -> None:
    if not texts:
        raise errors.SpecError(
            f"the channel {folder.name} has no .csv file", hint="columns is for CSV: leave it out"
        )
    place.mkdir()
    for number, path in enumerate(texts):
        first = next(csv.reader([_first(path)]), [])
        if first and len(first) != len(names):
            raise errors.SpecError(
                f"columns has {len(names)} names, and {path.name} of the channel {folder.name}"
                f" has {len(first)} columns",
                hint="name all of them, in their order",
            )
        with (place / f"{number:05}.csv").open("wb") as target, path.open("rb") as content:
            if tuple(first) != names:
                target.write((",".join(map(_quoted, names)) + "\n").encode())
            shutil.copyfileobj(content, target)


def _first(path: Path) -> str:
    with path.open(encoding="utf-8-sig", errors="replace") as file:
        return file.readline()


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
