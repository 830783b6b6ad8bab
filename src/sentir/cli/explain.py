"""The command ``sentir explain``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from sentir.cli import output
from sentir.cli.options import CorpusOption, JsonOption, ModelArgument, RevisionOption, RootOption
from sentir.cli.plugins import AllowPluginsOption, PluginOption, load_corpus_plugins
from sentir.display_names import display_name
from sentir.errors import SentirError
from sentir.i18n import _
from sentir.progress import show_progress
from sentir.recognizer.hub import at_revision

if TYPE_CHECKING:
    from sentir.explanation.results import Explanation, ModelExplanation, Passage

_MAX_WORDS = 8


def explain(
    model: ModelArgument,
    text: Annotated[str | None, typer.Option(help=_("A text."))] = None,
    file: Annotated[Path | None, typer.Option(help=_("An audio or video file."))] = None,
    corpus: CorpusOption = None,
    root: RootOption = None,
    utterance_id: Annotated[
        str | None, typer.Option("--id", help=_("Id of an utterance of the corpus, or a unique end of it."))
    ] = None,
    label: Annotated[str | None, typer.Option(help=_("Label to explain; default: the most probable."))] = None,
    sanity_check: Annotated[
        bool,
        typer.Option("--sanity-check", help=_("Compare with the attributions of randomized weights (slower).")),
    ] = False,
    html: Annotated[
        Path | None, typer.Option(help=_("Write the explanation to this HTML file, in English and Spanish."))
    ] = None,
    revision: RevisionOption = None,
    plugin: PluginOption = None,
    allow_plugins: AllowPluginsOption = False,
    json: JsonOption = False,
) -> None:
    saved = at_revision(model, revision)
    load_corpus_plugins(corpus, allow_plugins)
    has_input = text is not None or file is not None
    explains_prediction = has_input or utterance_id is not None
    if has_input and utterance_id is not None:
        raise SentirError(_("--id names an utterance of a corpus; give it without --text and --file."))
    if not explains_prediction and corpus is None and root is None:
        raise SentirError(_("There is nothing to explain; give --text, --file, or --root with or without --id."))
    if not explains_prediction and (label is not None or sanity_check):
        raise SentirError(
            _("--label and --sanity-check are for one prediction; give --text, --file or --id with them.")
        )
    from sentir import api

    explanation: Explanation | ModelExplanation
    with show_progress():
        if explains_prediction:
            explanation = api.explain(
                saved, utterance_id=utterance_id, text=text, file=file, corpus=corpus, root=root, label=label,
                sanity_check=sanity_check, html=html,
            )  # fmt: skip
        else:
            explanation = api.explain_model(saved, corpus=corpus, root=root, html=html)
    if json:
        output.print_json(explanation.to_dict())
        return
    from sentir.explanation.results import Explanation

    if isinstance(explanation, Explanation):
        _print_prediction_explanation(explanation)
    else:
        _print_model_explanation(explanation)
    if html is not None:
        output.print_line(_("Written: {path}", path=html))


def _print_prediction_explanation(explanation: Explanation) -> None:
    from sentir.explanation.figures import MAP_NAMES, audio_attribution_alt_text
    from sentir.explanation.page import (
        describe_completeness,
        format_signed,
        interpret_randomization,
        randomized_part,
        rank_words,
        summarize_prediction,
    )

    output.print_line(summarize_prediction(explanation))
    if explanation.text_attribution is not None:
        largest = float(abs(explanation.text_attribution.values).max())
        for passage in explanation.text_attribution.passages:
            output.console.print(_highlight_passage(passage, largest), soft_wrap=True)
        top = " · ".join(f"{one.text} {format_signed(one.value)}" for one in rank_words(explanation)[:_MAX_WORDS])
        output.print_line(_("Most important words: {words}", words=top))
        output.print_line(describe_completeness(explanation))
    if explanation.audio_attribution is not None:
        for name in explanation.audio_attribution.maps:
            text = audio_attribution_alt_text(explanation.audio_attribution, name)
            output.print_line(f"{_(MAP_NAMES[name])}: {text}")
    for check in explanation.sanity_checks:
        output.print_line(
            _("{map}, {part} randomized: correlation {r}; {verdict}.",
              map=_(MAP_NAMES[check.map]), part=randomized_part(check), r=format_signed(check.correlation),
              verdict=interpret_randomization(check))
        )  # fmt: skip


def _highlight_passage(passage: Passage, max_value: float) -> Text:
    """Return a turn with its strongest words marked: bold for the label, crossed out against it."""
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


def _print_model_explanation(explanation: ModelExplanation) -> None:
    from sentir.evaluation.formatting import format_score
    from sentir.evaluation.metrics import metric_display_name
    from sentir.explanation.page import describe_ablation, importance_table

    output.print_line(
        f"{explanation.model} · {explanation.corpus} · {display_name('dev')} · "
        f"{metric_display_name(explanation.metric)} {format_score(explanation.score)}"
    )
    for one in explanation.ablations:
        output.print_line(describe_ablation(explanation, one))
    if not explanation.columns:
        return
    output.print_table(importance_table(explanation), title=_("Permutation importance of features"))
