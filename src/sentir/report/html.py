"""The report of a study: one HTML file that holds everything, in English and in Spanish."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sentir.evaluation.results import Score, is_share
from sentir.i18n import LANGUAGES, _, in_language, language
from sentir.recipe import toml_text
from sentir.report import figures, glance, inline, tables
from sentir.report.content import StudyReport
from sentir.report.svg import fig_svg
from sentir.report.words import word

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup


def save_report(report: StudyReport, path: Path) -> None:
    """Write `render`'s page to ``path``, making its folder if needed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(render(report), encoding="utf-8")


def render(report: StudyReport) -> str:
    """Return the report as one self-contained HTML page.

    Every language is in it; the one shown first is `sentir.i18n.language`, and a switch shows the others.

    Raises:
        SentirError: if there are results for a task that no corpus card announces.
    """
    media, shown = inline.media(report.examples), language()

    def content() -> dict[str, Any]:
        return {
            "report": report,
            "title": report.titles.get(language(), report.title),
            "sections": tables.sections(report),
            "media": media,
            "holds_media": language() == shown,
        }

    return render_page("body.html", content)


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
    return page.render(bodies=bodies, titles=titles, names={"en": "English", "es": "Español"}, current=shown)


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
        "number": decimals,
        "thousands": figures.thousands,
        "moment": moment,
        "duration": duration,
        "toml": toml_text,
    }
    environment.globals |= {
        "_": _,
        "svg": _svg,
        "confusion_figure": figures.confusion_figure,
        "curves_figure": figures.curves_figure,
        "label_figure": figures.label_figure,
        "metric_names": tables.metric_names,
        "best_models": tables.best_models,
        "is_share": is_share,
        "comparison_groups": tables.comparison_groups,
        "glance": glance.glance,
        "openings_by_split": tables.openings_by_split,
    }
    return environment


def _svg(figure: Any, name: str, title: str, description: str = "") -> Markup:
    from markupsafe import Markup

    return Markup(fig_svg(figure, name=name, title=title, description=description))


def decimals(value: float) -> str:
    """Write a score with three decimals; a dash if it is not a number."""
    return f"{value:.3f}" if value == value else "–"


def score_text(score: Score) -> str:
    """Write a score with its interval, if it has one: ``0.612 [0.590, 0.633]``."""
    if score.low is None or score.high is None:
        return decimals(score.value)
    return f"{decimals(score.value)} [{decimals(score.low)}, {decimals(score.high)}]"


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
