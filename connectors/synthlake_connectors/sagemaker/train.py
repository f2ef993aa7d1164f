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
| ``columns`` | names of the columns of CSV without a header, as a JSON list; needs ``table`` |
| ``tables`` | a spec's ``tables:`` as JSON |
| ``seed``, ``k``, ``holdout``, ``max_rows``, ``synthesizer`` | of learning |
| ``scale``, ``sample_seed`` | of the twin |
| ``tier``, ``target`` | of the report |
| ``gates`` | ``fail`` (default: a failed gate fails the job) or ``report`` |

A channel ``holdout_real`` is the ceiling of the report and is never learned from; then ``holdout``
is 0 unless it is given. Hyperparameters that SageMaker adds by itself are passed over.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import synthlake.api as synthlake
from synthlake.api import errors, nearest
from synthlake_connectors.sagemaker.files import Form, opened

ROOT: Final = "SYNTHLAKE_SAGEMAKER_ROOT"
HOLDOUT: Final = "holdout_real"
_MOST: Final = 1_024  # characters of a failure that SageMaker shows
_FIT: Final[dict[str, Callable[[str], Any]]] = {
    "seed": int, "k": int, "holdout": float, "max_rows": int, "synthesizer": str,
}  # fmt: skip


def _names(text: str) -> tuple[str, ...]:
    found = json.loads(text)
    good = isinstance(found, list) and all(isinstance(name, str) and name for name in found)
    if not good or not found or len(set(found)) < len(found):
        raise ValueError
    return tuple(found)


_OTHERS: Final[dict[str, Callable[[str], Any]]] = {
    "channel": str, "table": str, "columns": _names, "tables": json.loads, "scale": float,
    "sample_seed": int, "tier": str, "target": str, "gates": str,
}  # fmt: skip
_CALLED: Final[dict[Any, str]] = {json.loads: "JSON", _names: "a JSON list of different names"}
# of tuning jobs and of the SDK's own toolkit
_OF_SAGEMAKER: Final = ("_tuning_objective_metric", "sagemaker_")


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
    form = Form(given.get("table"), given.get("columns", ()))
    form.check()
    name, *others = _channels(container, given.get("channel"))
    fit = {key: given[key] for key in _FIT if key in given}
    if others:
        fit.setdefault("holdout", 0.0)
    with ExitStack() as stack:
        real = stack.enter_context(opened(container.channel(name), form))
        artifact = synthlake.fit(real, given.get("tables"), on_event=_tell, **fit)
        artifact.save(container.model())
        twin = artifact.sample(given.get("scale", 1.0), seed=given.get("sample_seed", 0))
        twin.write(container.data() / "twin")
        held = None
        for other in others:
            held = stack.enter_context(opened(container.channel(other), form))
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
        if name.startswith(_OF_SAGEMAKER):
            continue
        if name not in kinds:
            raise errors.SpecError(
                f"there is no hyperparameter {name!r}", hint=nearest(name, kinds)
            )
        called = _CALLED.get(kinds[name], kinds[name].__name__)
        try:
            found[name] = kinds[name](text if isinstance(text, str) else json.dumps(text))
        except ValueError:
            raise errors.SpecError(
                f"the hyperparameter {name} cannot be read as {called}",
                hint="numbers and JSON go as texts",
            ) from None
    if found.get("gates", "fail") not in ("fail", "report"):
        raise errors.SpecError("gates is neither fail nor report", hint="leave it out")
    return found


def _channels(container: Container, asked: str | None) -> list[str]:
    """The channel to learn, and that of the real rows if there is one."""
    hosts = container.config("resourceconfig").get("hosts") or ()
    if len(hosts) > 1:
        raise errors.SpecError(
            f"the job has {len(hosts)} instances, and each would learn and write a model alone",
            hint="ask for one instance",
        )
    config = container.config("inputdataconfig")
    used = [chosen(asked, list(config)), *(name for name in config if name == HOLDOUT)]
    for name in used:
        described = config[name]
        if isinstance(described, Mapping) and described.get("TrainingInputMode") == "Pipe":
            raise errors.SpecError(
                f"the channel {name} is in Pipe mode, which has no files to read twice",
                hint="give it in File or FastFile mode",
            )
    return used


def chosen(asked: str | None, channels: list[str]) -> str:
    """The channel to learn.

    Raises:
        SpecError: it is not there, it is not clear which, or its rows are not to be learned from.
    """
    if asked == HOLDOUT:
        raise errors.SpecError(
            f"{HOLDOUT} is never learned from", hint="give those rows as another channel"
        )
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


def _tell(event: synthlake.Event) -> None:
    if not event.done:
        _say(f"{event.step}: {event.message}")


def _say(*lines: str) -> None:
    sys.stdout.writelines(f"{line}\n" for line in lines)
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
