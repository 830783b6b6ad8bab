"""The report of a study as Markdown in the current language: like the page, without figures and audio."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sentir.display_names import display_name, issue_name, quoted_model_name
from sentir.documents import Block, CodeBlock, Document, DocumentSection, ListBlock
from sentir.evaluation.enrollment_table import enrollment_remark, enrollment_table, enrollment_title
from sentir.evaluation.metrics import metric_display_name
from sentir.evaluation.results import ModelScores
from sentir.i18n import _, format_count, get_language
from sentir.recipe import dump_toml
from sentir.recognizer.card import intended_use
from sentir.report import alt_text, folds, sentences, tables
from sentir.report.html import build_model_cards
from sentir.report.study_report import CorpusSummary, StudyReport
from sentir.report.task_sections import TaskSection, comparison_groups, task_sections


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
    yield tables.count_table(corpus.splits, corpus.splits_heading)
    for task, splits in corpus.labels.items():
        names = dict.fromkeys(name for counts in splits.values() for name in counts)
        by_label = {name: {split: counts.get(name, 0) for split, counts in splits.items()} for name in names}
        yield tables.count_table(by_label, display_name(task))
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
            blocks = (
                tables.score_table(rows, section.metric), notes, *_fold_blocks(rows, section.metric),
                *_enrollment_blocks(rows),
            )  # fmt: skip
            yield DocumentSection(_("Scores on {split}", split=display_name(split)), blocks, 3)
    if section.comparisons:
        groups: list[Block] = []
        for title, comparisons in comparison_groups(section):
            groups += [title, ListBlock(tuple(c.sentence() for c in comparisons))]
        yield DocumentSection(_("Comparisons"), (*groups, tables.comparison_table(section)), 3)
    row = section.selected_row
    if row is not None and row.per_label:
        yield DocumentSection(_("Per-class results"), tuple(_label_blocks(row)), 3)


def _fold_blocks(rows: Sequence[ModelScores], headline: str) -> Iterable[Block]:
    for metric in folds.fold_metrics(rows, headline):
        yield _("{metric} by fold", metric=metric_display_name(metric))
        yield folds.fold_table(rows, metric)
    yield from folds.fold_sentences(rows)


def _enrollment_blocks(rows: Sequence[ModelScores]) -> Iterable[Block]:
    if (table := enrollment_table(rows)) is not None:
        yield enrollment_title(next(row for row in rows if row.enrollment))
        yield table
        yield enrollment_remark(rows)


def _label_blocks(row: ModelScores) -> Iterable[Block]:
    yield _("{model} on {split}.", model=quoted_model_name(row.model), split=display_name(row.split))
    yield tables.label_table(row)
    if row.confusion_matrix:
        yield f"{_('Confusion matrix')}: {alt_text.describe_confusion_matrix(row)}"


def _opening_blocks(report: StudyReport) -> Iterable[Block]:
    yield sentences.openings_sentence(report.ledger)
    yield sentences.redraws_sentence(report.redraws)
    if not report.openings:
        yield _("No test split was evaluated in this study.")
        return
    yield tables.opening_table(report.openings)


def _recipe_blocks(report: StudyReport) -> Iterable[Block]:
    for corpus, recipe in report.recipes.items():
        yield _("The resolved recipe of {corpus}", corpus=corpus)
        yield CodeBlock(dump_toml(recipe), "toml")
    yield ListBlock(tuple(f"{name} {version}" for name, version in report.versions.items()))
