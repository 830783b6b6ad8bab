"""The report of a study as Markdown in the current language: like the page, without figures and audio."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sentir.display_names import display_name, issue_name, model_display_name, quoted_model_name
from sentir.documents import Block, CodeBlock, Document, DocumentSection, ListBlock, TableBlock
from sentir.evaluation.formatting import format_number, format_score
from sentir.evaluation.metrics import get_metric, metric_display_name
from sentir.evaluation.results import ModelScores
from sentir.i18n import _, format_count, get_language, localize_numbers
from sentir.recipe import dump_toml
from sentir.recognizer.card import intended_use
from sentir.report import alt_text, sentences
from sentir.report.comparison_table import comparison_rows
from sentir.report.html import build_model_cards, format_timestamp
from sentir.report.study_report import CorpusSummary, StudyReport
from sentir.report.task_sections import TaskSection, comparison_groups, ordered_metrics, task_sections


def render_markdown(report: StudyReport) -> str:
    """Return the report as Markdown.

    Raises:
        SentirError: if there are results for a task that no corpus summary names.
    """
    sections = task_sections(report)
    names = {id(section): f"{section.corpus.name} · {display_name(section.task)}" for section in sections}
    document_sections = [
        *(DocumentSection(names[id(s)], sentences.task_summary_sentences(s)) for s in sections),
        DocumentSection(_("Corpora"), ()),
        *(DocumentSection(corpus.name, tuple(_corpus_blocks(corpus)), 3) for corpus in report.corpora),
        *(one for section in sections for one in _task_document_sections(section, names[id(section)])),
        DocumentSection(_("Model cards"), intended_use()),
        *(
            DocumentSection(one.title if n else card.title, one.blocks, 4 if n else 3)
            for card in build_model_cards(report).values()
            for n, one in enumerate(card.sections)
        ),
        DocumentSection(_("Evaluations on test"), tuple(_opening_blocks(report))),
        DocumentSection(_("Method"), (sentences.method_text(),)),
        DocumentSection(_("Recipes and versions"), tuple(_recipe_blocks(report))),
        DocumentSection("Sentir", (sentences.footer_text(),)),
    ]
    return Document(report.titles.get(get_language(), report.title), tuple(document_sections)).to_markdown()


def _corpus_blocks(corpus: CorpusSummary) -> Iterable[Block]:
    if corpus.synthetic:
        yield _("SYNTHETIC")
    yield _("Fingerprint: {fingerprint}", fingerprint=corpus.fingerprint)
    if corpus.grade:
        yield sentences.grade_sentence(corpus.grade)
    units = list(dict.fromkeys(unit for counts in corpus.splits.values() for unit in counts))
    rows = tuple(
        (display_name(split), *(format_count(counts[unit]) if unit in counts else "–" for unit in units))
        for split, counts in corpus.splits.items()
    )
    yield TableBlock((_("split"), *map(display_name, units)), rows)
    for task, splits in corpus.labels.items():
        labels = dict.fromkeys(name for counts in splits.values() for name in counts)
        yield TableBlock(
            (display_name(task), *map(display_name, splits)),
            tuple(
                (display_name(name), *(format_count(counts.get(name, 0)) for counts in splits.values()))
                for name in labels
            ),
        )
    if corpus.issues:
        yield _("Issues found while reading:")
        yield ListBlock(
            tuple(f"{issue_name(kind)}: {format_count(count)}" for kind, count in corpus.issues.items())
        )


def _task_document_sections(section: TaskSection, name: str) -> Iterable[DocumentSection]:
    yield DocumentSection(_("Results: {name}", name=name), ())
    for split, rows in (("test", section.test_rows), ("dev", section.dev_rows)):
        if rows:
            notes = ListBlock((*sentences.scored_on_sentences(rows), *sentences.remark_sentences(rows)))
            blocks = (_score_table(rows, section.metric), notes)
            yield DocumentSection(_("Scores on {split}", split=display_name(split)), blocks, 3)
    if section.comparisons:
        groups: list[Block] = []
        for title, comparisons in comparison_groups(section):
            groups += [title, ListBlock(tuple(c.sentence() for c in comparisons))]
        yield DocumentSection(_("Comparisons"), (*groups, _comparison_table(section)), 3)
    row = section.selected_row
    if row is not None and row.per_label:
        yield DocumentSection(_("Per-class results"), tuple(_label_blocks(row)), 3)


def _score_table(rows: Sequence[ModelScores], headline: str) -> Block:
    names = ordered_metrics(rows, headline)
    cells = tuple(
        (
            model_display_name(row.model),
            *(format_score(row.metrics[n]) if n in row.metrics else "–" for n in names),
            str(row.num_seeds),
        )
        for row in rows
    )
    return TableBlock((_("model"), *map(metric_display_name, names), _("seeds")), cells)


def _comparison_table(section: TaskSection) -> Block:
    rows = []
    for one in comparison_rows(section):
        c, factor = one.comparison, 100 if get_metric(one.comparison.metric).is_proportion else 1
        rows.append(
            (
                one.contrast,
                model_display_name(c.a),
                model_display_name(c.b),
                display_name(c.split),
                localize_numbers(f"{c.difference * factor:.2f}"),
                c.interval_text,
                localize_numbers(f"{c.p_holm:.4f}"),
            )
        )
    headings = (_("compared"), "a", "b", _("split"), "a − b", _("95 % interval (Holm)"), _("p (Holm)"))
    return TableBlock(headings, tuple(rows), is_numeric=False)


def _label_blocks(row: ModelScores) -> Iterable[Block]:
    yield _("{model} on {split}.", model=quoted_model_name(row.model), split=display_name(row.split))
    names = list(dict.fromkeys(name for label in row.per_label for name in label.metrics))
    rows = tuple(
        (display_name(one.label), format_count(one.support),
         *(format_number(one.metrics[name]) if name in one.metrics else "–" for name in names))
        for one in row.per_label
    )  # fmt: skip
    yield TableBlock((_("label"), _("support"), *map(metric_display_name, names)), rows)
    if row.confusion_matrix:
        yield f"{_('Confusion matrix')}: {alt_text.describe_confusion_matrix(row)}"


def _opening_blocks(report: StudyReport) -> Iterable[Block]:
    yield sentences.openings_sentence(report.ledger)
    yield sentences.redraws_sentence(report.redraws)
    if not report.openings:
        yield _("No test split was evaluated in this study.")
        return
    rows = tuple(
        (
            one.corpus,
            str(one.number),
            format_timestamp(one.when),
            one.reason,
            ", ".join(map(model_display_name, one.models)),
        )
        for one in report.openings
    )
    headings = (_("corpus"), "n", _("when"), _("why"), _("models"))
    yield TableBlock(headings, rows, is_numeric=False)


def _recipe_blocks(report: StudyReport) -> Iterable[Block]:
    for corpus, recipe in report.recipes.items():
        yield _("The resolved recipe of {corpus}", corpus=corpus)
        yield CodeBlock(dump_toml(recipe), "toml")
    yield ListBlock(tuple(f"{name} {version}" for name, version in report.versions.items()))
