"""The command ``sentir explain``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from sentir.cli.options import JsonOption, ModelArgument, RootOption
from sentir.i18n import _
from sentir.preflight import require_files, require_model, require_model_and_corpus

if TYPE_CHECKING:
    from sentir.explanation.results import Explanation, ModelExplanation, Passage

_MAX_WORDS = 8


def add_explain(app: typer.Typer) -> None:
    """Add the command to the program."""
    app.command(
        help=_(
            "Explain an answer by its words and its sound. With --root and no --id: what the model loses on dev "
            "without text, sound, context or numbers."
        ),
        epilog=_('Example: sentir explain models/mine --text "I can\'t believe it!" --html why.html'),
    )(explain)


def explain(
    model: ModelArgument,
    text: Annotated[str | None, typer.Option("--text", help=_("A text."))] = None,
    file: Annotated[Path | None, typer.Option("--file", help=_("A sound or video file."))] = None,
    corpus: Annotated[
        str | None, typer.Option("--corpus", help=_("A reader's name, or a recipe; default: the model's own."))
    ] = None,
    root: RootOption = None,
    utterance_id: Annotated[
        str | None, typer.Option("--id", help=_("An utterance of the corpus, by its id or the end of it."))
    ] = None,
    label: Annotated[
        str | None, typer.Option("--label", help=_("Label to explain; default: the most probable."))
    ] = None,
    sanity_check: Annotated[
        bool, typer.Option("--sanity-check", help=_("Compare with the maps of shuffled weights (takes longer)."))
    ] = False,
    html: Annotated[
        Path | None, typer.Option("--html", help=_("Write a page here (.html), in two languages."))
    ] = None,
    json: JsonOption = False,
) -> None:
    one = text is not None or file is not None or utterance_id is not None
    _check_options(one, text is not None or file is not None, utterance_id, corpus, root, label, sanity_check)
    require_files([] if file is None else [file])
    _require_model_and_corpus(model, corpus, root, needs_corpus=utterance_id is not None or not one)
    from sentir import api
    from sentir.cli import output
    from sentir.progress import show_progress

    found: Explanation | ModelExplanation
    with show_progress():
        if one:
            found = api.explain(
                model,
                utterance_id=utterance_id,
                text=text,
                file=file,
                corpus=corpus,
                root=root,
                label=label,
                sanity_check=sanity_check,
                html=html,
            )
        else:
            found = api.explain_model(model, corpus=corpus, root=root, html=html)
    if json:
        output.print_json(found.to_dict())
        return
    print_explanation(found)
    if html is not None:
        output.print_line(_("Written: {path}", path=html))


def _require_model_and_corpus(model: Path, corpus: str | None, root: Path | None, *, needs_corpus: bool) -> None:
    if needs_corpus:
        require_model_and_corpus(model, corpus, root)
    else:
        require_model(model)


def _check_options(
    explains_prediction: bool,
    has_input: bool,
    utterance_id: str | None,
    corpus: str | None,
    root: Path | None,
    label: str | None,
    sanity_check: bool,
) -> None:
    from sentir.errors import SentirError

    if has_input and utterance_id is not None:
        raise SentirError(_("--id names an utterance of a corpus; give it without --text and --file."))
    if not explains_prediction and corpus is None and root is None:
        raise SentirError(_("There is nothing to explain; give --text, --file, or --root with or without --id."))
    if not explains_prediction and (label is not None or sanity_check):
        raise SentirError(
            _("--label and --sanity-check are for one answer; give --text, --file or --id with them.")
        )


def print_explanation(found: Explanation | ModelExplanation) -> None:
    """Print an explanation of an answer or of a model."""
    from sentir.explanation.results import Explanation

    if isinstance(found, Explanation):
        _print_prediction_explanation(found)
    else:
        _print_model_explanation(found)


def _print_prediction_explanation(found: Explanation) -> None:
    from sentir.cli import output
    from sentir.explanation.figures import MAP_NAMES, audio_attribution_alt_text
    from sentir.explanation.page import (
        describe_completeness,
        format_signed,
        interpret_randomization,
        rank_words,
        summarize_prediction,
    )

    output.print_line(summarize_prediction(found))
    if found.text_attribution is not None:
        largest = float(abs(found.text_attribution.values).max())
        for passage in found.text_attribution.passages:
            output.console.print(_highlight_passage(passage, largest), soft_wrap=True)
        top = " · ".join(f"{one.text} {format_signed(one.value)}" for one in rank_words(found)[:_MAX_WORDS])
        output.print_line(_("Strongest words: {words}", words=top))
        output.print_line(describe_completeness(found))
    if found.audio_attribution is not None:
        for name in found.audio_attribution.maps:
            output.print_line(
                f"{_(MAP_NAMES[name])}: {audio_attribution_alt_text(found.audio_attribution, name)}"
            )
    for check in found.sanity_checks:
        part = _("the head") if check.randomized == "head" else _("all weights")
        name, r = _(MAP_NAMES[check.map]), format_signed(check.correlation)
        output.print_line(
            _(
                "{map}, {part} shuffled: correlation {r}; {verdict}.",
                map=name,
                part=part,
                r=r,
                verdict=interpret_randomization(check),
            )
        )


def _highlight_passage(passage: Passage, max_value: float) -> Text:
    """Return a turn with its words marked: bold for the label, crossed out against it, the strong ones alone."""
    from sentir.cli import output
    from sentir.explanation.page import attribution_strength, format_signed

    line = Text(" ▶ " if passage.position == "own" else "   ")
    line += Text(f"{format_signed(passage.total):>6} ", style="dim")
    line += output.as_text(f"{passage.speaker}: " if passage.speaker else "")
    for n, one in enumerate(passage.words):
        style = ("bold green" if one.value > 0 else "strike red") if attribution_strength(one, max_value) else ""
        line += output.as_text("" if one.follows_without_space or not n else " ") + Text(
            output.as_text(one.text).plain, style=style
        )
    return line


def _print_model_explanation(found: ModelExplanation) -> None:
    from rich.table import Table

    from sentir.cli import output
    from sentir.display_names import display_name
    from sentir.evaluation.metrics import metric_display_name
    from sentir.explanation.page import (
        MAX_COLUMNS,
        describe_ablation,
        format_importance_interval,
        format_score_drop,
    )
    from sentir.report.html import format_score

    output.print_line(
        f"{found.model} · {found.corpus} · {display_name('dev')} · {metric_display_name(found.metric)} {format_score(found.score)}"
    )
    for one in found.ablations:
        output.print_line(describe_ablation(found, one))
    if not found.columns:
        return
    table = Table(title=output.as_text(_("Lost when numbers are permuted")), title_justify="left")
    for heading in (_("numbers"), _("columns"), _("lost"), _("95 % interval")):
        table.add_column(heading, justify="left" if heading == _("numbers") else "right", overflow="fold")
    for row in (*found.feature_sets, *found.columns[:MAX_COLUMNS]):
        cells = (
            row.name,
            str(row.num_columns),
            format_score_drop(found.metric, row.score_drop),
            format_importance_interval(found.metric, row),
        )
        table.add_row(*map(output.as_text, cells))
    output.console.print(table)
