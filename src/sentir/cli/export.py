"""The command ``sentir export``."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sentir.cli import output
from sentir.cli.options import JsonOption, ModelArgument, RootOption
from sentir.cli.plugins import PluginOption
from sentir.i18n import _, format_count, format_decimal
from sentir.progress import show_progress

if TYPE_CHECKING:
    from sentir.evaluation.results import Score
    from sentir.export.parity import ParityReport


def export(
    model: ModelArgument,
    out: Annotated[Path, typer.Option(help=_("Folder to write the exported model to."))],
    root: RootOption = None,
    int8: Annotated[
        bool, typer.Option("--int8", help=_("Store the encoders' weights as 8-bit integers: smaller and faster."))
    ] = False,
    allow_loss: Annotated[
        bool, typer.Option("--allow-loss", help=_("Write an 8-bit model that scores over half a point less."))
    ] = False,
    plugin: PluginOption = None,
    json: JsonOption = False,
) -> None:
    from sentir import api

    with show_progress():
        _recognizer, report = api.export_model(model, out, root=root, int8=int8, allow_loss=allow_loss)
    if json:
        output.print_json(asdict(report))
        return
    _print_report(report)
    output.print_line(_("Written: {path}", path=out))


def _print_report(report: ParityReport) -> None:
    count = format_count(report.num_utterances)
    output.print_line(
        _("Compared with the trained model on {n} dev utterances.", n=count)
        if report.inputs == "dev"
        else _(
            "Compared with the trained model on {n} generated utterances; give --root to compare on dev.", n=count
        )
    )
    for graph in report.graphs:
        agreement = min(graph.label_agreement.values())
        output.print_line(
            _("{precision}: logits differ by {difference} at most, {agreement}% equal labels{score}.",
              precision=graph.precision, difference=f"{graph.max_logit_difference:.1e}",
              agreement=format_decimal(100 * agreement, 1),
              score=_describe_score(report, graph.score))
        )  # fmt: skip


def _describe_score(report: ParityReport, score: Score | None) -> str:
    from sentir.evaluation.formatting import format_score
    from sentir.evaluation.metrics import metric_display_name

    if score is None or report.score is None:
        return ""
    return _(", {metric} {ours} (trained: {theirs})", metric=metric_display_name(report.metric),
             ours=format_score(score), theirs=format_score(report.score))  # fmt: skip
