"""The pages of explanations, and their sentences, in English and Spanish."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from sentir.display_names import display_name, label_names, quoted_model_name
from sentir.documents import TableBlock
from sentir.evaluation.metrics import get_metric, metric_display_name
from sentir.evaluation.results import format_p_value
from sentir.explanation.figures import (
    MAP_NAMES,
    ablation_figure,
    audio_attribution_alt_text,
    audio_attribution_figure,
    importance_figure,
)
from sentir.explanation.results import (
    Ablation,
    Explanation,
    FeatureImportance,
    ModelExplanation,
    RandomizationResult,
    WordAttribution,
)
from sentir.explanation.sanity_checks import MAX_CORRELATION
from sentir.i18n import _, gettext_noop, localize_numbers
from sentir.io import write_errors, write_text
from sentir.recognizer.card import make_model_card
from sentir.report.html import render_page

if TYPE_CHECKING:
    from sentir.documents import Document
    from sentir.recognizer.recognizer import Recognizer

MAX_COLUMNS = 12  # features in a table
_STRONG, _WEAK = 0.5, 0.15  # share of the largest attribution from which on a word is bold, is marked
_MAP_DESCRIPTIONS = {
    "grad_cam": gettext_noop("Grad-CAM on the last feature map: regions that raise the score of the label."),
    "local_gate": gettext_noop("Values of the gate on the local feature map, whatever the label."),
    "global_gate": gettext_noop("Values of the gate on the last feature map, whatever the label."),
}
_REPLACEMENT_DESCRIPTIONS = {
    "missing": gettext_noop("Treated as missing, as in part of the training."),
    "train_mean": gettext_noop("Replaced by its mean over train."),
    "without_context": gettext_noop("Each utterance as a dialogue of its own."),
}


def save_explanation(
    explanation: Explanation | ModelExplanation, path: Path, recognizer: Recognizer | None = None
) -> None:
    """Write the page of an explanation into an existing folder.

    Args:
        explanation: the explanation.
        path: of the page.
        recognizer: that is explained; the page includes its model card.

    Raises:
        SentirError: if it cannot be written.
    """
    if isinstance(explanation, Explanation):
        page = render_explanation(explanation, recognizer)
    else:
        page = render_model_explanation(explanation, recognizer)
    with write_errors(path):
        write_text(path, page)


def render_explanation(explanation: Explanation, recognizer: Recognizer | None = None) -> str:
    """Return the explanation of one prediction as a self-contained page."""
    largest = (
        0.0 if explanation.text_attribution is None else float(abs(explanation.text_attribution.values).max())
    )

    def content() -> dict[str, Any]:
        return {
            "title": _("Why {label}?", label=display_name(explanation.label)),
            "explanation": explanation,
            "card": localized_model_card(recognizer),
            "summary": summarize_prediction(explanation),
            "completeness": describe_completeness(explanation),
            "strength": lambda one: attribution_strength(one, largest),
            "signed": format_signed,
            "words": _word_table(explanation),
            "map_names": {name: _(text) for name, text in MAP_NAMES.items()},
            "about": {name: _(text) for name, text in _MAP_DESCRIPTIONS.items()},
            "audio_attribution_figure": audio_attribution_figure,
            "audio_attribution_alt_text": audio_attribution_alt_text,
            "sanity_checks": _sanity_table(explanation),
        }

    return render_page("explanation.html", content)


def render_model_explanation(explanation: ModelExplanation, recognizer: Recognizer | None = None) -> str:
    """Return the explanation of a model as a self-contained page."""

    def content() -> dict[str, Any]:
        return {
            "title": _("Which inputs matter to {model}?", model=quoted_model_name(explanation.model)),
            "explanation": explanation,
            "card": localized_model_card(recognizer),
            "shown": explanation.columns[:MAX_COLUMNS],
            "importances": importance_table(explanation),
            "replacements": {name: _(text) for name, text in _REPLACEMENT_DESCRIPTIONS.items()},
            "describe_ablation": lambda one: describe_ablation(explanation, one),
            "ablation_figure": ablation_figure,
            "importance_figure": importance_figure,
        }

    return render_page("model_explanation.html", content)


def localized_model_card(recognizer: Recognizer | None) -> Document | None:
    """Return the model card of a recognizer in the current language; ``None`` without one."""
    if recognizer is None:
        return None
    return make_model_card(recognizer.recipe, recognizer.space, recognizer.facts)


def summarize_prediction(explanation: Explanation) -> str:
    """Describe the prediction and the score that is explained."""
    if explanation.is_regression:
        return _(
            "The model predicts {score} for {label}; this value is explained.",
            score=localize_numbers(f"{explanation.score:.2f}"),
            label=display_name(explanation.label),
        )
    return _(
        "Predicted: {labels}. Explained: the log-odds of {label}, {score} (probability {p}).",
        labels=label_names(explanation.labels), label=display_name(explanation.label),
        score=format_signed(explanation.score),
        p=localize_numbers(f"{explanation.probabilities[explanation.label]:.2f}"),
    )  # fmt: skip


def describe_completeness(explanation: Explanation) -> str:
    """Describe what the word attributions sum to, and their error; ``""`` without words."""
    attribution = explanation.text_attribution
    if attribution is None:
        return ""
    return _(
        "With every word replaced by {token} the score is {without}, with the words {score}. The attributions "
        "sum to the difference, {difference}, up to an error of {delta} (integrated gradients, {steps} steps).",
        token=attribution.baseline_token,
        without=format_signed(attribution.baseline_score),
        score=format_signed(explanation.score),
        difference=format_signed(explanation.score - attribution.baseline_score),
        delta=format_signed(attribution.convergence_delta, 3),
        steps=attribution.steps,
    )


def format_signed(value: float, digits: int = 2) -> str:
    """Format a number with its sign."""
    text = f"{value:+.{digits}f}"
    return localize_numbers(text.replace("-", "−") if float(text) else text.strip("+-"))


def attribution_strength(one: WordAttribution, largest: float) -> str:
    """Return the strength of a word, ``strong``, ``weak`` or ``""``, by its share of the largest attribution."""
    share = abs(one.value) / largest if largest else 0.0
    return "strong" if share >= _STRONG else "weak" if share >= _WEAK else ""


def rank_words(explanation: Explanation) -> list[WordAttribution]:
    """Return the words in descending order of absolute attribution."""
    passages = () if explanation.text_attribution is None else explanation.text_attribution.passages
    return sorted((one for passage in passages for one in passage.words), key=lambda one: -abs(one.value))


def interpret_randomization(check: RandomizationResult) -> str:
    """Interpret the correlation with the map of shuffled weights."""
    if abs(check.correlation) < MAX_CORRELATION:
        return _("random weights give another map")
    return _("much the same with random weights: the map reflects the input rather than what was learned")


def format_score_drop(metric: str, value: float) -> str:
    """Format a decrease of a score, in points or in the metric's units."""
    return format_signed(100 * value, 1) if get_metric(metric).is_proportion else format_signed(value, 3)


def describe_ablation(explanation: ModelExplanation, one: Ablation) -> str:
    """Describe the decrease of the score without one kind of input, with interval and p-value."""
    c = one.comparison
    corrected = [_("corrected for {n} comparisons", n=c.num_comparisons)] if c.num_comparisons > 1 else []
    values = {
        "part": display_name(one.ablated),
        "metric": metric_display_name(explanation.metric),
        "loss": format_score_drop(explanation.metric, get_metric(explanation.metric).sign * c.difference),
        "why": ", ".join(
            [
                *_format_score_drop_interval(explanation.metric, c.low, c.high),
                format_p_value(c.p_holm),
                *corrected,
            ]
        ),
        "score": localize_numbers(f"{one.score:.3f}"),
    }
    if get_metric(explanation.metric).is_proportion:
        return _("Without {part}, {metric} is {score}: {loss} points lost ({why}).", **values)
    return _("Without {part}, {metric} is {score}: {loss} lost ({why}).", **values)


def _format_score_drop_interval(metric: str, *bounds: float | None) -> list[str]:
    """Return the interval of a decrease as text, if there is one."""
    low_high = sorted(get_metric(metric).sign * bound for bound in bounds if bound is not None)
    ends = [format_score_drop(metric, bound) for bound in low_high]
    return [_("95% interval {low} to {high}", low=ends[0], high=ends[1])] if ends else []


def importance_table(explanation: ModelExplanation) -> TableBlock:
    """Return the permutation importance of every feature set, then of the most important features."""

    def interval(one: FeatureImportance) -> str:
        if one.low is None or one.high is None:
            return "–"
        low, high = (format_score_drop(explanation.metric, bound) for bound in (one.low, one.high))
        return f"{low} … {high}"

    rows = [
        (one.name, str(one.num_columns), format_score_drop(explanation.metric, one.score_drop), interval(one),
         format_score_drop(explanation.metric, one.sd))
        for one in (*explanation.feature_sets, *explanation.columns[:MAX_COLUMNS])
    ]  # fmt: skip
    return TableBlock((_("feature"), _("columns"), _("loss"), _("95% interval"), _("sd of permutations")), rows)


def _word_table(explanation: Explanation) -> TableBlock:
    rows = [(one.text, format_signed(one.value, 3)) for one in rank_words(explanation)]
    return TableBlock((_("word"), _("attribution")), rows)


def _sanity_table(explanation: Explanation) -> TableBlock:
    rows = [
        (_(MAP_NAMES[check.map]), randomized_part(check), format_signed(check.correlation),
         interpret_randomization(check))
        for check in explanation.sanity_checks
    ]  # fmt: skip
    return TableBlock((_("map"), _("randomized"), _("rank correlation"), _("interpretation")), rows, numeric=(2,))


def randomized_part(check: RandomizationResult) -> str:
    """Return the name of the weights that were randomized."""
    return _("the head") if check.randomized == "head" else _("all weights")
