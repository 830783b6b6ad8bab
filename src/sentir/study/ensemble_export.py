"""A trained ensemble → the same ensemble with ONNX graphs of its members; the average stays in NumPy."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, replace

from sentir.corpus.predictions import Predictions
from sentir.corpus.utterances import Utterance
from sentir.evaluation.results import Score
from sentir.export.exporting import DevScore, exported
from sentir.export.parity import ParityReport, compare_logits
from sentir.recognizer.recognizer import Recognizer
from sentir.study.ensemble import Ensemble


@contextmanager
def exported_ensemble(
    ensemble: Ensemble,
    utterances: Sequence[Utterance],
    *,
    inputs: str,
    int8: bool = False,
    allow_loss: bool = False,
    dev_score: DevScore | None = None,
) -> Iterator[tuple[Ensemble, ParityReport]]:
    """Export the members of an ensemble, each compared with its original, and compare the averages.

    Baselines among the members stay as they are. Arguments and errors as of `sentir.export.exporting.exported`.

    Yields:
        The exported ensemble, to be saved inside the ``with`` block, and the report of the averages.
    """
    with ExitStack() as stack:
        members, reports = [], []
        for member in ensemble.members:
            model = member.model
            if isinstance(model, Recognizer):
                model, report = stack.enter_context(
                    exported(
                        model, utterances, inputs=inputs, int8=int8, allow_loss=allow_loss, dev_score=dev_score
                    )
                )
                reports.append(report)
            members.append(replace(member, model=model))
        ours = replace(ensemble, members=tuple(members))
        report = _compare(ensemble, ours, utterances, reports[0], dev_score)
        yield replace(ours, facts={**ensemble.facts, "export": asdict(report)}), report


def _compare(
    theirs: Ensemble,
    ours: Ensemble,
    utterances: Sequence[Utterance],
    member_report: ParityReport,
    dev_score: DevScore | None,
) -> ParityReport:
    expected, computed = (model.predict_utterances(utterances) for model in (theirs, ours))
    space = theirs.space

    def score(predictions: Predictions) -> Score | None:
        return None if dev_score is None else dev_score.score(ours, predictions)

    graph = compare_logits(
        member_report.graphs[-1].precision,
        [replace(theirs.tasks[0], calibration=None)],  # the predictions are calibrated
        space.logits(expected.probabilities),
        space.logits(computed.select(expected.ids).probabilities),
        score(computed),
    )
    return replace(member_report, graphs=(graph,), score=score(expected))
