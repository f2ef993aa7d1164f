"""Synthesizers by name; ``plugins.BUILT_IN`` has those that come with Synthlake."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from synthlake import plugins
from synthlake.errors import ArtifactError, LearnError, SchemaError
from synthlake.late import late
from synthlake.models.trees import FittedTrees
from synthlake.ports import (
    Codes,
    Draw,
    FittedSynthesizer,
    GuidedSynthesizer,
    Settle,
    Synthesizer,
    TrainingTable,
)

if TYPE_CHECKING:
    from synthlake.schema import synthesizers
else:
    synthesizers = late("synthlake.schema.synthesizers")


def synthesizer_of(settings: Mapping[str, Any]) -> Synthesizer:
    """The synthesizer that settings name, such as ``{name: trees, min_leaf: 20}``.

    Raises:
        LearnError: there is none of that name, or it has no such setting.
        MissingExtraError: the plugin's dependencies are not installed.
    """
    try:
        made: Synthesizer = synthesizers.build(settings)
    except SchemaError as error:
        raise LearnError(error.message, hint=error.hint) from None
    return made


@dataclass(frozen=True)
class Named:
    """A fitted synthesizer that knows by which name it was made, so that it can be found again."""

    name: str
    fitted: FittedSynthesizer

    def sample(
        self, columns: Sequence[str], context: Mapping[str, Codes], draw: Draw, settle: Settle
    ) -> None:
        """Draw columns in their order and hand each to ``settle``."""
        self.fitted.sample(columns, context, draw, settle)

    @property
    def guided(self) -> GuidedSynthesizer | None:
        """What it names, where that can be guided."""
        return guided_of(self.fitted)

    def to_artifact(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """Its name, the package that brought it, and what it says of itself."""
        held, tensors = self.fitted.to_artifact()
        package = plugins.distribution_of(self.name)
        made = {"name": self.name, "package": package} if package else {"name": self.name}
        return {**made, "model": held}, tensors


def guided_of(fitted: object) -> GuidedSynthesizer | None:
    """What draws by a guide: a fitted synthesizer, or the one within what only names it."""
    if isinstance(fitted, GuidedSynthesizer):
        return fitted
    within: GuidedSynthesizer | None = getattr(fitted, "guided", None)
    return within


def trees_of(fitted: Any) -> FittedTrees | None:
    """The trees, or those within what only names or chose them."""
    while fitted is not None and not isinstance(fitted, FittedTrees):
        fitted = getattr(fitted, "fitted", None)
    return fitted


def fit(settings: Mapping[str, Any], data: TrainingTable, seed: int) -> Named:
    """Learn a table by the synthesizer that settings name.

    Raises:
        LearnError: there is no such synthesizer or setting, or it cannot learn the table.
    """
    synthesizer = synthesizer_of(settings)
    return Named(str(settings.get("name", synthesizers.DEFAULT)), synthesizer.fit(data, seed))


def unpack(held: Mapping[str, Any], tensors: Mapping[str, NDArray[Any]]) -> Named:
    """What ``Named.to_artifact`` described.

    Raises:
        ArtifactError: it was made by a plugin that is not installed here, or is not complete.
    """
    name = str(held["name"])
    if plugins.synthesizer(name) is None:
        package = str(held.get("package", ""))
        raise ArtifactError(
            f"the artifact was made by the synthesizer {name!r}, which is not installed here",
            hint=f"pip install {package}" if package else f"install the plugin that has {name!r}",
        )
    made: Synthesizer = synthesizers.class_of(name)()
    return Named(name, made.from_artifact(held["model"], tensors))
