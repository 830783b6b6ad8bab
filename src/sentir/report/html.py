"""The report of a study as one self-contained HTML file, in English and in Spanish."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any

from sentir.audit.results import Histogram
from sentir.display_names import (
    audio_problem_name,
    display_name,
    issue_name,
    label_names,
    model_display_name,
    quoted_model_name,
)
from sentir.documents import Document
from sentir.evaluation import enrollment_table
from sentir.evaluation.formatting import format_interval, format_number, format_score
from sentir.evaluation.metrics import get_metric, metric_display_name
from sentir.i18n import LANGUAGES, _, format_count, get_language, use_language
from sentir.paths import to_file_name
from sentir.recipe import dump_toml
from sentir.recognizer.card import intended_use, make_model_card
from sentir.report import (
    alt_text,
    calibration,
    figures,
    folds,
    inline_media,
    sentences,
    tables,
    task_sections,
)
from sentir.report.formatting import format_duration, format_timestamp
from sentir.report.study_report import CorpusSummary, Example, StudyReport
from sentir.report.svg import figure_to_svg
from sentir.safe_text import make_printable

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

MAX_PAGE_BYTES = 8_000_000  # bytes of a page


def render_report(report: StudyReport, *, max_bytes: int = MAX_PAGE_BYTES) -> str:
    """Return the report as one self-contained HTML page.

    It holds every language; the current one is shown first, and a switch shows the others. If it would be larger
    than ``max_bytes`` bytes, audio clips are left out, and the page says so: those of the examples first, from
    the last, then those of the errors.

    Raises:
        SentirError: if there are results for a task that no corpus summary names.
    """
    examples = (*report.error_examples, *report.examples)
    media, num_kept = inline_media.make_inline_media(examples), len(examples)
    while True:
        page = _render_with_examples(report, examples[:num_kept], media)
        excess = len(page.encode()) - max_bytes
        if excess <= 0 or not num_kept:
            return page
        while num_kept and excess > 0:
            num_kept -= 1
            excess -= len(media[_example_key(examples[num_kept])])


def _example_key(example: Example) -> tuple[str, str]:
    return example.corpus, example.id


def _render_with_examples(
    report: StudyReport, examples: Sequence[Example], media: Mapping[tuple[str, str], inline_media.InlineMedia]
) -> str:
    first = get_language()

    def content() -> dict[str, Any]:
        return {
            "report": report,
            "examples": examples[len(report.error_examples) :],
            "left_out": len(report.error_examples) + len(report.examples) - len(examples),
            "title": report.titles.get(get_language(), report.title),
            "sections": task_sections.task_sections(report),
            "media": {_example_key(example): media[_example_key(example)] for example in examples},
            "holds_media": get_language() == first,
            "cards": build_model_cards(report),
        }

    return render_page("body.html", content)


def build_model_cards(report: StudyReport) -> dict[tuple[str, str], Document]:
    """Return (corpus, task) → the model card in the current language, without the section that all share."""
    cards = {key: make_model_card(one.recipe, one.space, one.facts) for key, one in report.model_cards.items()}
    return {
        key: replace(card, sections=tuple(s for s in card.sections if s.blocks != intended_use()))
        for key, card in cards.items()
    }


def render_page(template: str, make_context: Callable[[], Mapping[str, Any]]) -> str:
    """Return a self-contained page with a body in every language, the current one shown first.

    Args:
        template: name of the template of the body.
        make_context: returns the variables of the template, among them ``title``; called once per language.
    """
    environment, shown = _environment(), get_language()
    bodies, titles = {}, {}
    for code in LANGUAGES:
        with use_language(code):
            context = make_context()
            titles[code] = context["title"]
            bodies[code] = environment.get_template(template).render(context, lang=code)
    page = environment.get_template("page.html")
    names = {"en": "English", "es": "Español"}
    return make_printable(page.render(bodies=bodies, titles=titles, names=names, current=shown))


@cache
def _environment() -> Environment:
    """Return the environment of the templates, which are compiled once."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("sentir.report"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    environment.filters |= {
        "word": display_name,
        "metric": metric_display_name,
        "score": format_score,
        "labels": label_names,
        "model": model_display_name,
        "named": quoted_model_name,
        "names": bold_names,
        "comparison_basis": sentences.comparison_basis,
        "number": format_number,
        "thousands": format_count,
        "timestamp": format_timestamp,
        "duration": format_duration,
        "toml": dump_toml,
        "issue_name": issue_name,
        "audio_problem": audio_problem_name,
    }
    environment.globals |= {
        "_": _,
        "file_name": to_file_name,
        "svg": _svg_markup,
        "alt_text": alt_text,
        "figures": figures,
        "sentences": sentences,
        "folds": folds,
        "enrollment": enrollment_table,
        "tables": tables,
        "metric_column_groups": task_sections.metric_column_groups,
        "best_models": task_sections.best_models,
        "format_interval": format_interval,
        "get_metric": get_metric,
        "comparison_groups": task_sections.comparison_groups,
        "scored_rows": task_sections.scored_rows,
        "latest_openings": task_sections.latest_openings,
        "intended_use": intended_use,
        "localized_durations": localized_durations,
        "calibration_sentences": calibration.calibration_sentences,
        "plot_reliability_diagram": calibration.plot_reliability_diagram,
        "plot_risk_coverage_curve": calibration.plot_risk_coverage_curve,
    }
    return environment


def _svg_markup(figure: Any, name: str, title: str, description: str = "") -> Markup:
    from markupsafe import Markup

    return Markup(figure_to_svg(figure, id_prefix=name, title=title, description=description))


def bold_names(text: str) -> Markup:
    """Return a sentence for a page: names in quotes, see `sentir.i18n.quote_text`, are bold instead."""
    from markupsafe import Markup, escape

    return Markup(re.sub("“(.+?)”|«(.+?)»", r'<b class="name">\1\2</b>', str(escape(text))))


def localized_durations(corpus: CorpusSummary) -> Histogram | None:
    """Return the histogram of durations with its unit in the current language."""
    return corpus.durations and replace(corpus.durations, unit=_("seconds"))
