"""The entry point of a training container: learns a channel, writes a twin and its report.

    ENTRYPOINT ["synthlake-sagemaker-train"]

It keeps the contract of SageMaker's containers: reads ``/opt/ml/input/config`` and the channels
below ``/opt/ml/input/data``; writes the artifact to ``/opt/ml/model/artifact``, twin and report to
``/opt/ml/output/data``, and what went wrong to ``/opt/ml/output/failure``, with exit code 1.

Hyperparameters, all of them texts as SageMaker gives them:

| name | |
|---|---|
| ``channel`` | that is learned; default ``train`` if there is one, else the only one |
| ``table`` | the files of the channel are parts of this one table; default: they are tables |
| ``tables`` | a spec's ``tables:`` as JSON |
| ``seed``, ``k``, ``holdout``, ``max_rows``, ``synthesizer`` | of learning |
| ``scale``, ``sample_seed`` | of the twin |
| ``tier``, ``target`` | of the report |
| ``gates`` | ``fail`` (default: a failed gate fails the job) or ``report`` |

A channel ``holdout_real`` is the ceiling of the report and is not learned from; then ``holdout``
is 0 unless it is given.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import traceback
from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import synthlake.api as synthlake
from synthlake.api import errors, nearest

ROOT: Final = "SYNTHLAKE_SAGEMAKER_ROOT"
HOLDOUT: Final = "holdout_real"
_MOST: Final = 1_024  # characters of a failure that SageMaker shows
_FIT: Final[dict[str, Callable[[str], Any]]] = {
    "seed": int, "k": int, "holdout": float, "max_rows": int, "synthesizer": str,
}  # fmt: skip
_OTHERS: Final[dict[str, Callable[[str], Any]]] = {
    "channel": str, "table": str, "tables": json.loads, "scale": float, "sample_seed": int,
    "tier": str, "target": str, "gates": str,
}  # fmt: skip


@dataclass(frozen=True)
class Container:
    """The folders of a training job.

    Attributes:
        root: ``/opt/ml``.
    """

    root: Path

    def config(self, name: str) -> dict[str, Any]:
        """A file of the configuration; empty if there is none.

        Raises:
            SpecError: it cannot be read.
        """
        path = self.root / "input" / "config" / f"{name}.json"
        if not path.exists():
            return {}
        found = None
        with suppress(OSError, ValueError):
            found = json.loads(path.read_bytes())
        if not isinstance(found, dict):
            raise errors.SpecError(f"{path} is no JSON object", hint="see the job's settings")
        return found

    def channel(self, name: str) -> Path:
        """The folder of a channel."""
        return self.root / "input" / "data" / name

    def model(self) -> Path:
        """Where the artifact goes; below the folder that SageMaker mounts."""
        return self.root / "model" / "artifact"

    def data(self) -> Path:
        """Where twin and report go."""
        return self.root / "output" / "data"

    def fail(self, said: str) -> None:
        """Leave word of a failure."""
        path = self.root / "output" / "failure"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(said[:_MOST], encoding="utf-8")


def main() -> int:
    """Train; returns the exit code.

    Privacy: what is said of a failure holds no value of a cell, and neither does its trace.
    """
    container = Container(Path(os.environ.get(ROOT, "/opt/ml")))
    try:
        train(container)
        return 0
    except errors.SynthlakeError as error:
        said = str(error)
    except Exception as error:  # whatever it is, the job has to say so
        said = f"{type(error).__name__}, which is a defect of Synthlake"
        places = traceback.extract_tb(error.__traceback__)
        _say(*(f"{p.filename}:{p.lineno} {p.name}" for p in places))
    container.fail(said)
    _say(said)
    return 1


def train(container: Container) -> None:
    """Learn the channel, write twin and report, and judge.

    Raises:
        SpecError: a hyperparameter or channel is not what it should be.
        GateError: a gate failed.
        SynthlakeError: any other error of the steps.
    """
    given = settings(container.config("hyperparameters"))
    channels = list(container.config("inputdataconfig"))
    name = chosen(given.get("channel"), channels)
    fit = {key: given[key] for key in _FIT if key in given}
    if HOLDOUT in channels:
        fit.setdefault("holdout", 0.0)
    with ExitStack() as stack:
        table = given.get("table")
        real = stack.enter_context(_Source(container.channel(name), table))
        artifact = synthlake.fit(real, given.get("tables"), on_event=_tell, **fit)
        artifact.save(container.model())
        twin = artifact.sample(given.get("scale", 1.0), seed=given.get("sample_seed", 0))
        twin.write(container.data() / "twin")
        held = None
        if HOLDOUT in channels:
            held = stack.enter_context(_Source(container.channel(HOLDOUT), table))
        asked = {key: given[key] for key in ("tier", "target") if key in given}
        report = synthlake.evaluate(real, twin, artifact.schema, holdout=held, **asked)
    report.save(container.data() / "report.html")
    report.save(container.data() / "report.json")
    # for the metric definitions of the job
    _say(*(f"{metric}={mean};" for metric, mean in report.means().items()))
    _say(f"artifact={artifact.id};")
    if report.decision == "FAIL" and given.get("gates", "fail") == "fail":
        raise errors.GateError(
            "a gate failed: "
            + "; ".join(r.gate.text for r in report.gates if r.decision == "FAIL"),
            hint="see report.html in the job's output; gates=report only reports",
        )


def settings(given: Mapping[str, Any]) -> dict[str, Any]:
    """Hyperparameters as what they mean.

    Raises:
        SpecError: one is not known, or cannot be read.
    """
    kinds = {**_FIT, **_OTHERS}
    found = {}
    for name, text in given.items():
        if name not in kinds:
            raise errors.SpecError(
                f"there is no hyperparameter {name!r}", hint=nearest(name, kinds)
            )
        try:
            found[name] = kinds[name](text if isinstance(text, str) else json.dumps(text))
        except ValueError:
            raise errors.SpecError(
                f"the hyperparameter {name} cannot be read as {kinds[name].__name__}",
                hint="numbers and JSON go as texts",
            ) from None
    if found.get("gates", "fail") not in ("fail", "report"):
        raise errors.SpecError("gates is neither fail nor report", hint="leave it out")
    return found


def chosen(asked: str | None, channels: list[str]) -> str:
    """The channel to learn.

    Raises:
        SpecError: it is not there, or it is not clear which.
    """
    open_ones = [name for name in channels if name != HOLDOUT]
    if asked is None and (len(open_ones) == 1 or "train" in open_ones):
        return "train" if "train" in open_ones else open_ones[0]
    if asked is None:
        raise errors.SpecError(
            f"there are {len(open_ones)} channels to learn", hint="say which by `channel`"
        )
    if asked not in channels:
        raise errors.SpecError(f"there is no channel {asked!r}", hint=nearest(asked, channels))
    return asked


class _Source:
    """A channel as a source; files that are parts of one table under a folder of its name."""

    def __init__(self, folder: Path, table: str | None) -> None:
        self._folder, self._table = folder, table
        self._stack = ExitStack()

    def __enter__(self) -> synthlake.Source:
        if not self._folder.is_dir():
            raise errors.SourceMissingError(
                f"there is no folder {self._folder}", hint="the channel is not in File mode?"
            )
        if self._table is None:
            return synthlake.open(self._folder)
        scratch = self._stack.enter_context(tempfile.TemporaryDirectory(prefix="synthlake-"))
        (Path(scratch) / self._table).symlink_to(self._folder, target_is_directory=True)
        return synthlake.open(scratch)

    def __exit__(self, *_: object) -> None:
        self._stack.close()


def _tell(event: synthlake.Event) -> None:
    if not event.done:
        _say(f"{event.step}: {event.message}")


def _say(*lines: str) -> None:
    sys.stdout.writelines(f"{line}\n" for line in lines)
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
