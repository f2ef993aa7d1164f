"""Columns that hold the year, month, day, hour ... of a timestamp column, in a time zone."""

from __future__ import annotations

import zoneinfo
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synthlake.constraints.rule import Cells

PARTS = (
    "year", "month", "day", "hour", "minute", "second",
    "weekday0", "weekday1", "weekday7", "yearday", "quarter",
)  # fmt: skip
_FIRST_ZONES = (
    "UTC", "America/New_York", "Europe/London", "Europe/Berlin", "America/Los_Angeles",
    "America/Chicago", "Asia/Shanghai", "Asia/Tokyo", "Asia/Kolkata", "Australia/Sydney",
)  # fmt: skip
_MICROS = 1_000_000
_HOUR = 3_600 * _MICROS
_DAY = 24 * _HOUR
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TRIED = 400  # rows that rule zones out
_SHIFTS = 8  # distinct offsets of a zone's clock over time
_CYCLES = {"hour": 24, "minute": 60, "second": 60}
_UNITS = {"hour": _HOUR, "minute": 60 * _MICROS, "second": _MICROS}
_DENSE = 4  # days or hours for each row, up to which they are looked up by number
_KEPT_HOURS = 1_000_000  # of a zone, 16 octets each: a century
_KNOWN: dict[str, tuple[NDArray[np.int64], NDArray[np.int64]]] = {}
_LIMIT = 200_000 * 366 * 24 * _HOUR  # microseconds; beyond, calendars do not reach


@dataclass(frozen=True)
class DateParts:
    """``parts[column]`` of the timestamp ``source``, read in ``zone``.

    Attributes:
        unit: microseconds a tick of the source.
    """

    source: str
    zone: str
    unit: float
    parts: tuple[tuple[str, str], ...]

    @property
    def makes(self) -> tuple[str, ...]:
        """The columns of parts."""
        return tuple(name for name, _ in self.parts)

    @property
    def needs(self) -> tuple[str, ...]:
        """The timestamp."""
        return (self.source,)

    def apply(self, cells: Mapping[str, Cells]) -> dict[str, Cells]:
        """Parts of the timestamps."""
        given = cells[self.source]
        found = fields(micros_of(given.ticks, self.unit), self.zone)
        return {name: Cells(found[part], given.null) for name, part in self.parts}

    def to_json(self) -> dict[str, Any]:
        """The rule, for the artifact."""
        return {"rule": "date_parts", "source": self.source, "zone": self.zone,
                "unit": self.unit, "parts": [list(p) for p in self.parts]}  # fmt: skip


def micros_of(ticks: NDArray[Any], unit: float) -> NDArray[np.int64]:
    """Microseconds since the epoch, as far as calendars reach."""
    if unit >= 1:
        most = _LIMIT // int(unit)
        return np.clip(ticks.astype(np.int64), -most, most) * int(unit)
    return ticks.astype(np.int64) // round(1 / unit)


def local(micros: NDArray[np.int64], zone: str) -> NDArray[np.int64]:
    """Wall-clock microseconds in a zone."""
    if zone == "UTC" or not len(micros):
        return micros
    hours = micros // _HOUR
    first, last = int(hours.min()), int(hours.max())
    if last - first >= _DENSE * len(hours):
        some, place = np.unique(hours, return_inverse=True)
        return micros + _shifts(some, zone)[place]
    hours -= first
    met = np.zeros(last - first + 1, bool)
    met[hours] = True
    some = np.flatnonzero(met)
    shift = np.zeros(len(met), np.int64)
    shift[some] = _shifts(some + first, zone)
    return micros + shift.take(hours, mode="clip")


def _shifts(hours: NDArray[np.int64], zone: str) -> NDArray[np.int64]:
    """Microseconds that a zone's clock is ahead in ascending hours since the epoch.

    Cost: some 8 microseconds an hour that is met for the first time in this process.
    """
    known, shifts = _KNOWN.get(zone, (np.zeros(0, np.int64), np.zeros(0, np.int64)))
    place = np.minimum(np.searchsorted(known, hours), max(len(known) - 1, 0))
    fresh = hours[known[place] != hours] if len(known) else hours
    if len(fresh):
        where = zoneinfo.ZoneInfo(zone)
        found = np.array([_offset(int(h), where) for h in fresh], np.int64)
        known, shifts = np.concatenate([known, fresh]), np.concatenate([shifts, found])
        order = np.argsort(known, kind="stable")
        known, shifts = known[order], shifts[order]
        if len(known) <= _KEPT_HOURS:
            _KNOWN[zone] = known, shifts  # one assignment: threads share it
        place = np.searchsorted(known, hours)
    return shifts[place]


def _offset(hour: int, where: zoneinfo.ZoneInfo) -> int:
    """Microseconds that a zone's clock is ahead in an hour since the epoch."""
    try:
        shift = (_EPOCH + timedelta(hours=hour)).astimezone(where).utcoffset()
    except OverflowError:
        return 0
    return int(shift.total_seconds()) * _MICROS if shift else 0


def fields(micros: NDArray[np.int64], zone: str) -> Mapping[str, NDArray[np.int64]]:
    """All parts of timestamps by name, each computed when it is asked for."""
    return _Fields(np.clip(local(micros, zone), -_LIMIT, _LIMIT))


class _Fields(Mapping[str, NDArray[np.int64]]):
    """Parts of wall-clock times.

    Args:
        wall: shape (rows,), microseconds.
    """

    def __init__(self, wall: NDArray[np.int64]) -> None:
        self._made: dict[str, NDArray[np.int64]] = {}
        days = wall // _DAY
        self._rest = wall - days * _DAY
        first, last = (int(days.min()), int(days.max())) if len(days) else (0, -1)
        self._place: NDArray[np.int64] | None = None
        if 0 <= last - first < _DENSE * len(days):  # few days: their parts are looked up
            self._place, days = days - first, np.arange(first, last + 1)
        self._days = days

    def __iter__(self) -> Iterator[str]:
        return iter(PARTS)

    def __len__(self) -> int:
        return len(PARTS)

    def __getitem__(self, part: str) -> NDArray[np.int64]:
        if part not in self._made:
            self._made[part] = self._part(part)
        return self._made[part]

    @cached_property
    def _calendar(self) -> dict[str, NDArray[np.int64]]:
        return _of_days(self._days)

    def _part(self, part: str) -> NDArray[np.int64]:
        if part in _CYCLES:
            found: NDArray[np.int64] = self._rest // _UNITS[part]
            found %= _CYCLES[part]
            return found
        made = self._calendar[part]
        return made if self._place is None else made.take(self._place, mode="clip")


def _of_days(days: NDArray[np.int64]) -> dict[str, NDArray[np.int64]]:
    """The parts of days since the epoch."""
    date = days.astype("datetime64[D]")
    years, months = date.astype("datetime64[Y]"), date.astype("datetime64[M]")
    month = months.astype(np.int64) % 12 + 1
    weekday = (days + 3) % 7  # 1970-01-01 was a Thursday
    return {
        "year": years.astype(np.int64) + 1970,
        "month": month,
        "day": (date - months.astype("datetime64[D]")).astype(np.int64) + 1,
        "weekday0": weekday,
        "weekday1": weekday + 1,
        "weekday7": (weekday + 1) % 7,
        "yearday": (date - years.astype("datetime64[D]")).astype(np.int64) + 1,
        "quarter": (month - 1) // 3 + 1,
    }


def find_date_parts(
    source: str, unit: float, cells: Mapping[str, Cells], candidates: Iterable[str]
) -> DateParts | None:
    """The zone and the integer columns that are parts of a timestamp in every row.

    The zone is part of the evidence only if a column depends on it; the first of equals is taken,
    well-known ones before others.
    """
    given = cells[source]
    names = [c for c in candidates if (cells[c].null == given.null).all()]
    there = np.flatnonzero(~given.null)
    if not names or len(there) < 50:
        return None
    micros = micros_of(given.ticks, unit)
    some = there[:: max(1, len(there) // _TRIED)]
    names = _possible(micros[some], {n: cells[n].ticks[some] for n in names})
    if not names:
        return None
    best: tuple[int, str] = (0, "UTC")
    few = some[::10]
    for zone in _zones():
        if len(_matches(fields(micros[few], zone), cells, names, few)) <= best[0]:
            continue
        matched = len(_matches(fields(micros[some], zone), cells, names, some))
        if matched > best[0]:
            best = (matched, zone)
        if matched == len(names):
            break
    if not best[0]:
        return None
    parts = _matches(fields(micros[there], best[1]), cells, names, there)
    return DateParts(source, best[1], unit, tuple(parts.items())) if parts else None


def _possible(micros: NDArray[np.int64], columns: Mapping[str, NDArray[Any]]) -> list[str]:
    """Columns that may be a part of timestamps in some zone; trying all zones takes seconds."""
    days = [fields(micros + shift * _HOUR, "UTC") for shift in (-14, 0, 14)]
    utc = days[1]

    def may_be(values: NDArray[Any], part: str) -> bool:
        size = _CYCLES.get(part)
        if size is None:  # a date is that of UTC, or of the day before or after
            return bool(np.any([f[part] == values for f in days], axis=0).all())
        if values.min() < 0 or values.max() >= size:
            return False
        return len(np.unique((values - utc[part]) % size)) <= _SHIFTS

    return [n for n, values in columns.items() if any(may_be(values, p) for p in PARTS)]


def _matches(
    found: Mapping[str, NDArray[np.int64]], cells: Mapping[str, Cells], names: Iterable[str],
    rows: NDArray[np.int64],
) -> dict[str, str]:  # fmt: skip
    """The part that each column equals, if any; a constant can be a year, all else is chance."""
    out = {}
    for name in names:
        values = cells[name].ticks[rows]
        parts = PARTS if np.ptp(values) else ("year",)
        equal = (p for p in parts if np.array_equal(found[p], values))
        if (part := next(equal, None)) is not None:
            out[name] = part
    return out


def _zones() -> list[str]:
    """Zones in the order in which they are tried."""
    known = zoneinfo.available_timezones()
    rest = sorted(z for z in known if "/" in z and not z.startswith(("Etc/", "posix/", "right/")))
    return [z for z in dict.fromkeys([*_FIRST_ZONES, *rest]) if z in known]
