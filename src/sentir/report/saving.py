"""A report as files: an HTML page, Markdown in every language, and JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sentir.errors import SentirError
from sentir.i18n import LANGUAGES, _, use_language
from sentir.io import write_text
from sentir.logs import logger
from sentir.report.html import MAX_PAGE_BYTES, render_report
from sentir.report.markdown import render_markdown
from sentir.report.study_report import CorpusSummary, Example, StudyReport
from sentir.safe_text import json_dumps

_MARKDOWN_SUFFIXES = {code: ".md" if code == "en" else f".{code}.md" for code in LANGUAGES}
REPORT_FILES = ("report.html", "report.json", *(f"report{suffix}" for suffix in _MARKDOWN_SUFFIXES.values()))
JSON_FORMAT_VERSION = 2  # of report.json; raised when a key is removed or changes its meaning


def save_report(report: StudyReport, path: Path) -> None:
    """Write a report to ``path``, and next to it as Markdown and JSON; each file is written atomically.

    Next to ``report.html`` are ``report.md`` (English), ``report.es.md`` and ``report.json`` (`report_to_dict`).
    The folder is created if needed.

    Raises:
        OSError: if a file cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    page = render_report(report)
    write_text(path, page)
    if len(page.encode()) > MAX_PAGE_BYTES:
        logger.warning(
            _("{path} is larger than {n} MB, even without any audio.", path=path, n=MAX_PAGE_BYTES // 10**6)
        )
    for code, suffix in _MARKDOWN_SUFFIXES.items():
        with use_language(code):
            write_text(path.with_suffix(suffix), render_markdown(report))
    write_text(path.with_suffix(".json"), _report_to_json(report))


def dry_run_report(
    titles: Mapping[str, str], corpora: Sequence[CorpusSummary], recipes: Mapping[str, Mapping[str, Any]]
) -> None:
    """Render a report without results, to find what is missing before anything is trained.

    Raises:
        SentirError: if the report cannot be rendered.
    """
    now = datetime.now(UTC).isoformat(timespec="seconds")
    report = StudyReport(
        titles["en"], now, tuple(corpora), scores=(), comparisons=(), learning_curves=(), openings=(),
        selected={}, versions={}, recipes=recipes, titles=titles,
    )  # fmt: skip
    try:
        for render in (render_report, render_markdown, _report_to_json):
            render(report)
    except (ImportError, OSError) as error:
        raise SentirError(
            _("The report cannot be rendered ({why}); reinstall Sentir and its dependencies.", why=error)
        ) from error


def _report_to_json(report: StudyReport) -> str:
    return json_dumps(report_to_dict(report), allow_nan=False) + "\n"


def report_to_dict(report: StudyReport) -> dict[str, Any]:
    """Return everything that a report shows, except images and audio, as plain JSON values.

    The keys are described in the guide (``docs/en/report.md``).
    """
    return {
        "format": JSON_FORMAT_VERSION,
        "title": report.title,
        "titles": dict(report.titles),
        "created": report.created,
        "seconds": report.seconds,
        "versions": dict(report.versions),
        "corpora": [asdict(corpus) for corpus in report.corpora],
        "scores": [row.to_row() for row in report.scores],
        "comparisons": [asdict(one) for one in report.comparisons],
        "learning_curves": [asdict(curve) for curve in report.learning_curves],
        "label_curves": [asdict(one) for one in report.label_curves],
        "analyses": [asdict(one) for one in report.analyses],
        "openings": [asdict(opening) for opening in report.openings],
        "ledger": asdict(report.ledger),
        "redraws": [asdict(one) for one in report.redraws],
        "selected": [
            {
                "corpus": key[0],
                "task": key[1],
                "model": model,
                "best_per_family": list(report.best_per_family.get(key, ())),
            }
            for key, model in report.selected.items()
        ],
        "settings": [
            {"corpus": corpus, "model": model, "settings": dict(settings)}
            for (corpus, model), settings in report.settings.items()
        ],
        "recipes": dict(report.recipes),
        "examples": [_example_to_dict(one) for one in report.examples],
    }


def _example_to_dict(example: Example) -> Mapping[str, Any]:
    return {
        "corpus": example.corpus,
        "id": example.id,
        "speaker": example.speaker,
        "text": example.text,
        "labels": {task: list(names) for task, names in example.labels.items()},
        "predictions": [asdict(prediction) for prediction in example.predictions],
    }
