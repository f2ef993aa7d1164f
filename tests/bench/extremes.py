"""Tables at the edges of what there is: how long each takes and how much memory, or why not.

    python tests/bench/extremes.py                   # all cases: a table of figures
    python tests/bench/extremes.py wide-2000 rows-2  # some

Each case is made, learned, sampled to Parquet and judged (standard tier) in a process of its own,
on one thread of numpy's. CPU-seconds are user and system of all threads; memory is the peak of the
process, imports included. The exit code is the number of cases that fail without a typed error or
need more than 2 GB.
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

ROWS = 200_000
LIMIT_MB = 2_000
STEPS = ("learned", "made", "judged")


def _ordinary(random: np.random.Generator, rows: int) -> dict[str, Any]:
    """Five ordinary columns, two of which go together."""
    age = random.integers(18, 90, rows)
    return {
        "age": age,
        "income": np.round(age * 700 + random.normal(0, 9_000, rows), 2),
        "city": random.choice(["Rome", "Oslo", "Bonn", "Lyon"], rows, p=[0.5, 0.3, 0.15, 0.05]),
        "day": (np.datetime64("2020-01-01") + random.integers(0, 900, rows)).astype(
            "datetime64[D]"
        ),
        "member": random.random(rows) < 0.3 + (age > 60) * 0.4,
    }


def nearly_unique(random: np.random.Generator, rows: int = ROWS) -> pa.Table:
    """Half as many categories as rows, two rows each, beside five ordinary columns."""
    code = random.permutation(np.repeat(np.arange(rows // 2), 2))
    words = np.array([f"{n * 7919 % 999_983:06d}-{n % 977:03d}" for n in range(rows // 2)])
    return pa.table({**_ordinary(random, rows), "product": words[code]})


def heavy_tail(random: np.random.Generator, rows: int = ROWS) -> pa.Table:
    """Half as many categories as rows: one in 20 has eleven rows or more, most have one."""
    size = rows // 2
    common = size // 20
    weight = 1.0 / np.arange(1, common + 1)
    more = random.choice(common, rows - size - 10 * common, p=weight / weight.sum())
    code = np.concatenate([np.arange(size), np.repeat(np.arange(common), 10), more])
    code = random.permutation(code)
    columns = _ordinary(random, rows)
    columns["age"] = 18 + code * 37 % 61 + random.integers(0, 11, rows)
    return pa.table({**columns, "product": np.char.add("item ", code.astype(str))})


def wide(rows: int, columns: int = 1_000) -> Callable[[np.random.Generator], pa.Table]:
    """Columns of all kinds: groups of five that go together, noise, constants and NULLs."""

    def make(random: np.random.Generator) -> pa.Table:
        out: dict[str, Any] = {}
        for number in range(columns):
            if number % 5 == 0:
                hidden = random.normal(size=rows)
            value = hidden if number % 10 < 5 else random.normal(size=rows)
            value = value + random.normal(0, 0.4, rows)
            column = _of_kind(number % 7, value, random)
            none = random.random(rows) < (0.2 if number % 4 == 0 else 0.0)
            out[f"c{number:04d}"] = pa.array(column, mask=none)
        return pa.table(out)

    return make


def _of_kind(kind: int, value: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """A hidden number as a column of one of seven kinds."""
    words = np.array(["low", "lower", "mid", "higher", "high"])
    steps = np.digitize(value, [-1.2, -0.4, 0.4, 1.2])
    return (
        lambda: value,
        lambda: np.round(value * 100).astype(np.int64),
        lambda: words[steps],
        lambda: np.datetime64("2021-01-01") + np.round(value * 90).astype(int),
        lambda: value > 0.3,
        lambda: np.round(value, 2),
        lambda: np.char.add("k", (steps * 9 + random.integers(0, 9, len(value))).astype(str)),
    )[kind]()


def few(rows: int) -> Callable[[np.random.Generator], pa.Table]:
    """A table of so few rows that nothing in it may be learned."""
    return lambda random: pa.table(_ordinary(random, 50)).slice(0, rows)


def constant(random: np.random.Generator) -> pa.Table:
    """2,000 rows of one value a column, of every type, beside all-NULL columns of every type."""
    rows = 2_000
    values: dict[str, Any] = {
        "int8": pa.scalar(1, pa.int8()), "uint64": pa.scalar(2**63, pa.uint64()),
        "float32": pa.scalar(0.5, pa.float32()), "float64": pa.scalar(float("nan")),
        "decimal": pa.scalar(1, pa.decimal128(20, 4)), "bool": pa.scalar(True),
        "string": pa.scalar("x"), "large": pa.scalar("y", pa.large_string()),
        "binary": pa.scalar(b"z"), "date": pa.scalar(1, pa.date32()),
        "time": pa.scalar(1, pa.time64("us")), "stamp": pa.scalar(1, pa.timestamp("ns", "UTC")),
        "duration": pa.scalar(1, pa.duration("s")), "list": pa.scalar([1], pa.list_(pa.int64())),
        "struct": pa.scalar({"a": 1}, pa.struct({"a": pa.int64()})),
    }  # fmt: skip
    full = {f"one_{n}": pa.array([v.as_py()] * rows, v.type) for n, v in values.items()}
    none = {f"no_{n}": pa.nulls(rows, v.type) for n, v in values.items()}
    return pa.table({**full, **none, "no_type": pa.nulls(rows)})


def one_column(random: np.random.Generator, rows: int = 1_000_000) -> pa.Table:
    """Rows of one column."""
    return pa.table({"value": np.round(random.gamma(2.0, 50.0, rows), 2)})


def long_texts(random: np.random.Generator, rows: int = 2_000) -> pa.Table:
    """Rows whose text is 100 kB each."""
    words = np.array(["lorem", "ipsum", "dolor", "sit", "amet", "labore", "magna", "aliqua"])
    text = [" ".join(random.choice(words, 17_000)) for _ in range(rows)]
    return pa.table({"id": np.arange(rows), "text": text, "stars": random.integers(1, 6, rows)})


def many_numbers(random: np.random.Generator, rows: int = 1_000_000) -> pa.Table:
    """Distinct integers beside a float with NaN, infinities and NULLs."""
    real = random.normal(size=rows)
    for place, special in enumerate((np.nan, np.inf, -np.inf)):
        real[place::20] = special
    return pa.table({
        "number": random.permutation(rows * 3)[:rows],
        "real": pa.array(real, mask=random.random(rows) < 0.1),
        "kind": random.choice(["a", "b"], rows),
    })  # fmt: skip


CASES: Mapping[str, Callable[[np.random.Generator], pa.Table]] = {
    "nearly-unique": nearly_unique,
    "heavy-tail": heavy_tail,
    "wide-2000": wide(2_000),
    "wide-20000": wide(20_000),
    **{f"rows-{n}": few(n) for n in range(4)},
    "constant": constant,
    "one-column": one_column,
    "long-texts": long_texts,
    "many-numbers": many_numbers,
}


def run(folder: Path) -> dict[str, Any]:
    """Learn, make and judge the table of a folder; prints nothing."""
    import synthlake as sl
    from synthlake.errors import SynthlakeError

    found: dict[str, Any] = {}
    state: dict[str, Any] = {}
    source = folder / "real"

    def judge() -> None:
        report = sl.evaluate(source, folder / "twin")
        text = json.dumps(report.to_json())
        found["report_mb"] = round(len(text) / 1e6, 1)

    steps: tuple[Callable[[], Any], ...] = (
        lambda: state.update(artifact=sl.fit(source, seed=0)),
        lambda: state["artifact"].sample(seed=0).write(folder / "twin", workers=1),
        judge,
    )
    for name, step in zip(STEPS, steps, strict=True):
        start = time.process_time()
        try:
            step()
        except SynthlakeError as error:
            found["refused"] = f"{type(error).__name__}: {error.message} Hint: {error.hint}"
            return found
        finally:
            found[name] = round(time.process_time() - start, 1)
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            found[f"{name}_mb"] = round(peak / 1024)
    return found


def measure(name: str, place: Path) -> dict[str, Any]:
    """One case; the error's last line where it fails."""
    folder = place / name
    (folder / "real").mkdir(parents=True)
    script = [sys.executable, __file__]
    subprocess.run([*script, "--make", name, str(folder)], check=True)
    env = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(
        [*script, "--run", str(folder)], env=env, capture_output=True, text=True, check=False
    )
    shutil.rmtree(folder)
    if done.returncode:
        return {"failed": done.stderr.strip()[-3000:]}
    found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


def main() -> int:
    """All cases that are asked for."""
    given = sys.argv[1:]
    if given[:1] == ["--make"]:
        made = CASES[given[1]](np.random.default_rng(0))
        pq.write_table(made, Path(given[2]) / "real" / "t.parquet")
        return 0
    if given[:1] == ["--run"]:
        print(json.dumps(run(Path(given[1]))))
        return 0
    found: dict[str, dict[str, Any]] = {}
    with tempfile.TemporaryDirectory(prefix="synthlake-extremes-") as scratch:
        for name in CASES:
            if not given or name in given:
                found[name] = measure(name, Path(scratch))
                print(name, json.dumps(found[name]), flush=True)
    print(table(found))
    return sum("failed" in f or _peak(f) > LIMIT_MB for f in found.values())


def table(found: Mapping[str, Mapping[str, Any]]) -> str:
    """Figures of the cases, as in ``docs/performance.md``."""
    lines = ["| case | learned, CPU-s | made | judged | peak memory, MB |", "|---|---|---|---|---|"]
    for name, case in found.items():
        said = "refused: " + case["refused"].partition(":")[0] if "refused" in case else ""
        said = said or ("failed" if "failed" in case else f"{_peak(case):,}")
        cells = [f"{case[step]:.1f}" if step in case else "-" for step in STEPS]
        lines.append(f"| `{name}` | {' | '.join(cells)} | {said} |")
    return "\n".join(lines)


def _peak(case: Mapping[str, Any]) -> int:
    return max((int(case.get(f"{step}_mb", 0)) for step in STEPS), default=0)


if __name__ == "__main__":
    sys.exit(main())
