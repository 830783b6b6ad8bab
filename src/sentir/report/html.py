"""The report of a study: one HTML file that holds everything, in English and in Spanish."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sentir.documents import Document
from sentir.evaluation import part_names
from sentir.evaluation.results import is_share
from sentir.i18n import LANGUAGES, _, in_language, language, localized
from sentir.paths import file_name
from sentir.recipe import toml_text
from sentir.recognizer.card import intended_use, model_card, score_text
from sentir.report import (
    alt_text,
    calibration,
    comparison_table,
    figures,
    glance,
    inline_media,
    sentences,
    task_sections,
)
from sentir.report.issue_words import issue_word
from sentir.report.study_report import Example, StudyReport
from sentir.report.svg import fig_svg
from sentir.report.words import model_name, named, word
from sentir.safe_text import printable

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

LIMIT = 8_000_000  # bytes of a page


def render(report: StudyReport, *, limit: int = LIMIT) -> str:
    """Return the report as one self-contained HTML page.

    Every language is in it; the one shown first is `sentir.i18n.language`, and a switch shows the others. Where
    it would be larger than ``limit`` bytes, sounds are left out, and it says so: first examples, the last one
    first, then those of mistakes.

    Raises:
        SentirError: if there are results for a task that no corpus card announces.
    """
    everything = (*report.heard, *report.examples)
    media, kept = inline_media.media(everything), len(everything)
    while True:
        page = _render(report, everything[:kept], media)
        excess = len(page.encode()) - limit
        if excess <= 0 or not kept:
            return page
        while kept and excess > 0:
            kept -= 1
            excess -= len(media[_key(everything[kept])])


def _key(example: Example) -> tuple[str, str]:
    return example.corpus, example.id


def _render(
    report: StudyReport, kept: Sequence[Example], media: Mapping[tuple[str, str], inline_media.Media]
) -> str:
    first = language()

    def content() -> dict[str, Any]:
        return {
            "report": report,
            "examples": kept[len(report.heard) :],
            "left_out": len(report.heard) + len(report.examples) - len(kept),
            "title": report.titles.get(language(), report.title),
            "sections": task_sections.sections(report),
            "media": {_key(example): media[_key(example)] for example in kept},
            "holds_media": language() == first,
            "cards": cards(report),
        }

    return render_page("body.html", content)


def cards(report: StudyReport) -> dict[tuple[str, str], Document]:
    """Return (corpus, task) → the finalist's model card in the current language, without what all share."""
    found = {key: model_card(one.recipe, one.space, one.facts) for key, one in report.cards.items()}
    return {
        key: replace(card, parts=tuple(p for p in card.parts if p.blocks != intended_use()))
        for key, card in found.items()
    }


def render_page(template: str, content: Callable[[], Mapping[str, Any]]) -> str:
    """Return a self-contained page with a body in every language, the current one shown first.

    Args:
        template: of a body.
        content: gives what the template names, ``title`` among it; called once in each language.
    """
    environment, shown = _environment(), language()
    bodies, titles = {}, {}
    for code in LANGUAGES:
        with in_language(code):
            values = content()
            titles[code] = values["title"]
            bodies[code] = environment.get_template(template).render(values, lang=code)
    page = environment.get_template("page.html")
    names = {"en": "English", "es": "Español"}
    return printable(page.render(bodies=bodies, titles=titles, names=names, current=shown))


def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("sentir.report"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    environment.filters |= {
        "word": word,
        "score": score_text,
        "localized": localized,
        "model": model_name,
        "named": named,
        "names": bold_names,
        "compared_on": sentences.compared_on,
        "number": decimals,
        "thousands": figures.thousands,
        "moment": moment,
        "duration": duration,
        "toml": toml_text,
        "issue_word": issue_word,
        "kind": part_names.kind_name,
        "part": part_names.part_name,
        "mix_up": part_names.mix_up,
    }
    environment.globals |= {
        "_": _,
        "file_name": file_name,
        "svg": _svg,
        "alt": alt_text,
        "figures": figures,
        "sentences": sentences,
        "metric_groups": task_sections.metric_groups,
        "best_models": task_sections.best_models,
        "interval": interval_text,
        "is_share": is_share,
        "comparison_groups": task_sections.comparison_groups,
        "compared": comparison_table.compared,
        "glance": glance.glance,
        "openings_by_split": task_sections.openings_by_split,
        "intended_use": intended_use,
        "durations": durations,
        "calibration_sentences": calibration.sentences,
        "reliability_figure": calibration.reliability_figure,
        "risk_figure": calibration.risk_figure,
    }
    return environment


def _svg(figure: Any, name: str, title: str, description: str = "") -> Markup:
    from markupsafe import Markup

    return Markup(fig_svg(figure, name=name, title=title, description=description))


def bold_names(text: str) -> Markup:
    """Return a sentence for a page: names that `sentir.i18n.quoted` set apart are bold, without their quotes."""
    from markupsafe import Markup, escape

    return Markup(re.sub("“(.+?)”|«(.+?)»", r'<b class="name">\1\2</b>', str(escape(text))))


def durations(card: Any) -> Any:
    """Return how long the utterances of a corpus are, its unit in the current language."""
    return replace(card.durations, unit=_("seconds"))


def decimals(value: float) -> str:
    """Write a score with three decimals; a dash if it is not a number."""
    return localized(f"{value:.3f}") if value == value else "–"


def interval_text(low: float, high: float) -> str:
    """Write the two ends of an interval of scores."""
    return localized(f"[{low:.3f}, {high:.3f}]")


def moment(text: str) -> str:
    """Write an ISO 8601 time as ``2026-01-31 14:05 UTC``; a time without a zone is taken as UTC."""
    when = datetime.fromisoformat(text)
    when = when.replace(tzinfo=UTC) if when.tzinfo is None else when.astimezone(UTC)
    return f"{when:%Y-%m-%d %H:%M} UTC"


def duration(seconds: float) -> str:
    """Write seconds as ``9 s``, ``4 min 12 s`` or ``2 h 31 min``."""
    minutes, rest = divmod(round(seconds), 60)
    if minutes >= 60:
        return _("{hours} h {minutes} min", hours=minutes // 60, minutes=minutes % 60)
    return _("{minutes} min {seconds} s", minutes=minutes, seconds=rest) if minutes else _("{n} s", n=rest)
