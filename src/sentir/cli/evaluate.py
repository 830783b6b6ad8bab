"""The commands ``sentir evaluate`` and ``sentir compare``."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from sentir.cli import output
from sentir.cli.options import (
    CorpusOption,
    JsonOption,
    ModelArgument,
    ReasonOption,
    RevisionOption,
    RootOption,
    SplitOption,
    TaskOption,
)
from sentir.cli.plugins import AllowPluginsOption, PluginOption, load_corpus_plugins
from sentir.i18n import _
from sentir.progress import show_progress
from sentir.recognizer.hub import at_revision


def evaluate(
    model: ModelArgument,
    root: RootOption = None,
    corpus: CorpusOption = None,
    split: SplitOption = "dev",
    reason: ReasonOption = "",
    analyze: Annotated[
        bool, typer.Option("--analyze", help=_("Also print calibration, scores by slice, and errors."))
    ] = False,
    task: TaskOption = None,
    revision: RevisionOption = None,
    plugin: PluginOption = None,
    allow_plugins: AllowPluginsOption = False,
    json: JsonOption = False,
) -> None:
    saved = at_revision(model, revision)
    load_corpus_plugins(corpus, allow_plugins)
    from sentir import api
    from sentir.cli.scores_output import print_analysis, print_scores

    with show_progress():
        result = (api.analyze if analyze else api.evaluate)(
            saved, root=root, corpus=corpus, split=split, reason=reason, task=task
        )
    scores, analysis = result if isinstance(result, tuple) else (result, None)
    if json:
        output.print_json([scores.to_row() | ({"analysis": asdict(analysis)} if analysis else {})])
    else:
        print_scores([scores], per_label=True)
        if analysis:
            print_analysis(analysis)


def compare(
    a: ModelArgument,
    b: ModelArgument,
    root: RootOption = None,
    corpus: CorpusOption = None,
    split: SplitOption = "dev",
    reason: ReasonOption = "",
    metric: Annotated[
        str | None, typer.Option(help=_("Metric to compare by; default: the one that selected the first model."))
    ] = None,
    plugin: PluginOption = None,
    allow_plugins: AllowPluginsOption = False,
    json: JsonOption = False,
) -> None:
    load_corpus_plugins(corpus, allow_plugins)
    from sentir import api
    from sentir.cli.scores_output import print_scores

    with show_progress():
        first, second, comparison = api.compare(
            a, b, root=root, corpus=corpus, split=split, reason=reason, metric=metric
        )
    if json:
        output.print_json({"scores": [first.to_row(), second.to_row()], "comparison": asdict(comparison)})
    else:
        print_scores([first, second])
        output.print_line(comparison.sentence())
