"""A report as files: a page for people, Markdown in every language, JSON for programs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sentir.errors import SentirError
from sentir.i18n import LANGUAGES, _, in_language
from sentir.io import write_text
from sentir.progress import warn
from sentir.report.html import LIMIT, render
from sentir.report.markdown import render_markdown
from sentir.report.study_report import CorpusCard, StudyReport
from sentir.safe_text import json_text

_SUFFIXES = {code: ".md" if code == "en" else f".{code}.md" for code in LANGUAGES}
FILES = ("report.html", "report.json", *(f"report{suffix}" for suffix in _SUFFIXES.values()))
FORMAT = 1  # of report.json; raised when a key changes its meaning or goes


def save_report(report: StudyReport, path: Path) -> None:
    """Write a report to ``path`` and beside it, making the folder if needed; each file is whole or as it was.

    ``report.html`` is followed by ``report.md`` (English), ``report.es.md`` and ``report.json`` (`report_tree`).

    Raises:
        OSError: if a file cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    page = render(report)
    write_text(path, page)
    if len(page.encode()) > LIMIT:
        warn(_("{path} is larger than {n} MB, even without any audio.", path=path, n=LIMIT // 10**6))
    for code, suffix in _SUFFIXES.items():
        with in_language(code):
            write_text(path.with_suffix(suffix), render_markdown(report))
    write_text(path.with_suffix(".json"), _json(report))


def rehearse(
    titles: Mapping[str, str], cards: Sequence[CorpusCard], recipes: Mapping[str, Mapping[str, Any]]
) -> None:
    """Draw a report that has no results yet, so that all it needs is known to be there before they are.

    Raises:
        SentirError: if something is missing.
    """
    now = datetime.now(UTC).isoformat(timespec="seconds")
    report = StudyReport(
        titles["en"], now, tuple(cards), scores=(), comparisons=(), curves=(), openings=(), selected={},
        versions={}, recipes=recipes, titles=titles,
    )  # fmt: skip
    try:
        _page, _text, _tree = render(report), render_markdown(report), _json(report)
    except (ImportError, OSError) as error:
        raise SentirError(
            _("A report cannot be drawn here ({why}); install Sentir and what it needs again.", why=error)
        ) from error


def _json(report: StudyReport) -> str:
    return json_text(report_tree(report), allow_nan=False) + "\n"


def report_tree(report: StudyReport) -> dict[str, Any]:
    """Return everything that a report shows, but for pictures and sound, as plain JSON values.

    The keys are described in the guide (``docs/en/report.md``).
    """
    return {
        "format": FORMAT,
        "title": report.title,
        "titles": dict(report.titles),
        "created": report.created,
        "seconds": report.seconds,
        "versions": dict(report.versions),
        "corpora": [asdict(card) for card in report.corpora],
        "scores": [row.to_row() for row in report.scores],
        "comparisons": [asdict(one) for one in report.comparisons],
        "curves": [asdict(curve) for curve in report.curves],
        "rankings": [asdict(one) for one in report.rankings],
        "details": [asdict(one) for one in report.details],
        "openings": [asdict(opening) for opening in report.openings],
        "ledger": asdict(report.ledger),
        "redraws": [asdict(one) for one in report.redraws],
        "selected": [
            {"corpus": key[0], "task": key[1], "model": model, "winners": list(report.winners.get(key, ()))}
            for key, model in report.selected.items()
        ],
        "settings": [
            {"corpus": corpus, "model": model, "settings": dict(found)}
            for (corpus, model), found in report.settings.items()
        ],
        "recipes": dict(report.recipes),
        "examples": [_example(one) for one in report.examples],
    }


def _example(one: Any) -> Mapping[str, Any]:
    return {
        "corpus": one.corpus,
        "id": one.id,
        "speaker": one.speaker,
        "text": one.text,
        "labels": {task: list(names) for task, names in one.labels.items()},
        "answers": [asdict(answer) for answer in one.answers],
    }
