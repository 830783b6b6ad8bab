"""Proof that an exported model predicts as the trained one does: the parity report."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sentir.errors import RecognizerError
from sentir.evaluation.metrics import get_metric
from sentir.evaluation.results import Score
from sentir.i18n import _, format_decimal
from sentir.recognizer.onnx_loading import label_agreement
from sentir.recognizer.tasks import Task
from sentir.runtime.files import PARITY_FILE

MAX_LOGIT_DIFFERENCE = 1e-4  # of float32 graphs
MAX_LOSS = 0.005  # of int8 graphs: half a point of a proportion, else that share of the score

Logits = NDArray[np.floating]


@dataclass(frozen=True)
class GraphParity:
    """How the graphs of one precision compare with the trained network.

    Attributes:
        precision: ``float32`` or ``int8``.
        max_logit_difference, mean_logit_difference: over all utterances and outputs.
        label_agreement: task → share of utterances with the same labels.
        score: of the exported model on the main task; ``None`` without labels.
    """

    precision: str
    max_logit_difference: float
    mean_logit_difference: float
    label_agreement: Mapping[str, float]
    score: Score | None = None


@dataclass(frozen=True)
class ParityReport:
    """The parity report of an exported model.

    Attributes:
        inputs: ``dev``, or ``generated`` without the corpus.
        num_utterances: compared.
        graphs: one per precision.
        metric: of the scores; ``""`` without labels.
        score: of the trained model.
        versions: package → version.
    """

    inputs: str
    num_utterances: int
    graphs: tuple[GraphParity, ...]
    metric: str = ""
    score: Score | None = None
    versions: Mapping[str, str] = field(default_factory=dict)

    def save(self, folder: Path) -> None:
        """Write ``parity.json``."""
        (folder / PARITY_FILE).write_text(json.dumps(asdict(self), indent=1) + "\n", encoding="utf-8")


def compare_logits(
    precision: str, tasks: Sequence[Task], expected: Logits, computed: Logits, score: Score | None = None
) -> GraphParity:
    """Compare the ``(N, K)`` logits of the trained and of the exported model."""
    difference = np.abs(expected - computed)
    return GraphParity(
        precision,
        float(difference.max(initial=0)),
        float(difference.mean()) if difference.size else 0.0,
        label_agreement(tasks, expected, computed),
        score,
    )


def require_parity(report: ParityReport, *, allow_loss: bool) -> None:
    """Refuse an export that predicts otherwise than the trained model.

    Args:
        report: of the export.
        allow_loss: whether int8 graphs may score worse.

    Raises:
        RecognizerError: naming the difference and the limit.
    """
    for graph in report.graphs:
        difference = graph.max_logit_difference
        if graph.precision == "float32" and not difference <= MAX_LOGIT_DIFFERENCE:
            raise RecognizerError(
                _("The exported model differs from the trained one: logits by up to {difference:.1e}, at most "
                  "{limit:.0e} is allowed; nothing was written.",
                  difference=difference, limit=MAX_LOGIT_DIFFERENCE)
            )  # fmt: skip
        if graph.precision == "int8" and not allow_loss:
            _require_score(report, graph)


def _require_score(report: ParityReport, graph: GraphParity) -> None:
    if report.score is None or graph.score is None:
        return
    metric = get_metric(report.metric)
    loss = metric.sign * (report.score.value - graph.score.value)
    limit = MAX_LOSS * (1 if metric.unit == "proportion" else max(1.0, abs(report.score.value)))
    if not loss <= limit:
        raise RecognizerError(
            _("The 8-bit model scores {ours} instead of {theirs} on dev ({metric}), a loss of more than half a "
              "point; export without --int8, or allow it with --allow-loss.",
              ours=format_decimal(graph.score.value, 3), theirs=format_decimal(report.score.value, 3),
              metric=report.metric)
        )  # fmt: skip
