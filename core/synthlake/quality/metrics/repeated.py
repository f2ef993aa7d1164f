"""The metrics that train a model, over several seeds: how much of a figure is luck?"""

from __future__ import annotations

from collections.abc import Iterator

from synthlake.ports import MetricKind, Score
from synthlake.quality.metric import Comparison, Direction, Metric, Scored, Subject
from synthlake.quality.metrics.classifier import JoinedClassifier, ParentClassifier, TableClassifier
from synthlake.quality.metrics.utility import TrainSynthetic
from synthlake.quality.reseeded import averaged, reseeded
from synthlake.quality.settings import Tier

SEEDS = 5
_SHARE = 0.8  # of the rows, drawn anew by each seed for a model that draws nothing itself


class _Repeated:
    """The mean of a metric over five seeds of its sample, its folds and its model.

    The interval is Student's t of the mean over seeds: what another choice of rows and folds would
    give on the same data sets. That of one seed (a bootstrap) is for other data sets.

    Cost: five times that of the metric.
    """

    once: Metric
    tier: Tier = "deep"

    def score(self, comparison: Comparison) -> Iterator[Scored]:
        """A score for each subject of the metric."""
        found: dict[Subject, list[Score]] = {}
        for number in range(SEEDS):
            for subject, score in self.once.score(reseeded(comparison, number)):
                found.setdefault(subject, []).append(score)
        for subject, scores in found.items():
            yield subject, averaged(scores)


class _Classifier(_Repeated):
    """What the three tests by a classifier share."""

    kind: MetricKind = "fidelity"
    best = 0.5
    direction: Direction = "low"


class TableSeeds(_Classifier):
    """How surely a classifier tells rows from real ones, over five seeds: 0.5 not at all."""

    name, title = "c2st.table.seeds", "Classifier on a table (AUC, 5 seeds)"
    once: Metric = TableClassifier()


class JoinedSeeds(_Classifier):
    """How surely it tells children with their parents, over five seeds: 0.5 not at all."""

    name, title = "c2st.joined.seeds", "Classifier on a child with its parents (AUC, 5 seeds)"
    once: Metric = JoinedClassifier()


class ParentSeeds(_Classifier):
    """How surely it tells parents with their children, over five seeds: 0.5 not at all."""

    name, title = "c2st.parent.seeds", "Classifier on parents with their children (AUC, 5 seeds)"
    once: Metric = ParentClassifier()


class UtilitySeeds(_Repeated):
    """Skill of a model trained on the candidate by that on real rows, over five seeds.

    Each seed draws at most four fifths of the rows of each data set, so that it has some to choose.
    """

    name, title = "tstr.seeds", "Trained on twin by trained on real (5 seeds)"
    once: Metric = TrainSynthetic(_SHARE)
    kind: MetricKind = "utility"
    best = 1.0
    direction: Direction = "high"


METRICS: tuple[Metric, ...] = (TableSeeds(), JoinedSeeds(), ParentSeeds(), UtilitySeeds())
