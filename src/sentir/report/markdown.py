"""The report of a study as Markdown, in the current language: what its page says, without pictures and sound."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sentir.documents import Block, Bullets, Code, Document, Grid, Part
from sentir.evaluation.results import ModelScores, is_share
from sentir.i18n import _, language, localized, thousands
from sentir.recipe import toml_text
from sentir.recognizer.card import intended_use, score_text
from sentir.report import alt_text, sentences
from sentir.report.comparison_table import compared
from sentir.report.html import cards, decimals, moment
from sentir.report.issue_words import issue_word
from sentir.report.study_report import CorpusCard, StudyReport
from sentir.report.task_sections import TaskSection, comparison_groups, metric_names, sections
from sentir.report.words import model_name, named, word


def render_markdown(report: StudyReport) -> str:
    """Return the report as Markdown.

    Raises:
        SentirError: if there are results for a task that no corpus card announces.
    """
    found = sections(report)
    names = {id(section): f"{section.card.name} · {word(section.task)}" for section in found}
    parts = [
        *(Part(names[id(section)], sentences.summary(section)) for section in found),
        Part(_("Corpora"), ()),
        *(Part(card.name, tuple(_corpus(card)), 3) for card in report.corpora),
        *(part for section in found for part in _task(section, names[id(section)])),
        Part(_("Model cards"), intended_use()),
        *(
            Part(part.title if n else card.title, part.blocks, 4 if n else 3)
            for card in cards(report).values()
            for n, part in enumerate(card.parts)
        ),
        Part(_("Evaluations on test"), tuple(_openings(report))),
        Part(_("Method"), (sentences.method(),)),
        Part(_("Recipes and versions"), tuple(_recipes(report))),
        Part("Sentir", (sentences.footer(),)),
    ]
    return Document(report.titles.get(language(), report.title), tuple(parts)).to_markdown()


def _corpus(card: CorpusCard) -> Iterable[Block]:
    if card.synthetic:
        yield _("SYNTHETIC")
    yield _("Fingerprint: {fingerprint}", fingerprint=card.fingerprint)
    if card.grade:
        yield sentences.grade_sentence(card.grade)
    counts = list(dict.fromkeys(what for found in card.splits.values() for what in found))
    rows = tuple(
        (word(split), *(thousands(found[what]) if what in found else "–" for what in counts))
        for split, found in card.splits.items()
    )
    yield Grid((_("split"), *map(word, counts)), rows)
    for task, splits in card.labels.items():
        labels = dict.fromkeys(name for found in splits.values() for name in found)
        yield Grid(
            (word(task), *map(word, splits)),
            tuple((word(name), *(thousands(found.get(name, 0)) for found in splits.values())) for name in labels),
        )
    if card.issues:
        yield _("Issues found while reading:")
        yield Bullets(tuple(f"{issue_word(kind)}: {thousands(count)}" for kind, count in card.issues.items()))


def _task(section: TaskSection, name: str) -> Iterable[Part]:
    yield Part(_("Results: {name}", name=name), ())
    for split, rows in (("test", section.test), ("dev", section.dev)):
        if rows:
            said = Bullets((*sentences.scored(rows), *sentences.remarks(rows)))
            blocks = (_scores(rows, section.metric), said)
            yield Part(_("Scores on {split}", split=word(split)), blocks, 3)
    if section.comparisons:
        groups: list[Block] = []
        for title, found in comparison_groups(section):
            groups += [title, Bullets(tuple(c.sentence() for c in found))]
        yield Part(_("Comparisons"), (*groups, _compared(section)), 3)
    row = section.closest
    if row is not None and row.per_label:
        yield Part(_("Per-class results"), tuple(_labels(row)), 3)


def _scores(rows: Sequence[ModelScores], headline: str) -> Block:
    names = metric_names(rows, headline)
    cells = tuple(
        (
            model_name(row.model),
            *(score_text(row.metrics[n]) if n in row.metrics else "–" for n in names),
            str(row.seeds),
        )
        for row in rows
    )
    return Grid((_("model"), *map(word, names), _("seeds")), cells)


def _compared(section: TaskSection) -> Block:
    rows = []
    for one in compared(section):
        c, factor = one.comparison, 100 if is_share(one.comparison.metric) else 1
        rows.append(
            (
                one.what,
                model_name(c.a),
                model_name(c.b),
                word(c.split),
                localized(f"{c.difference * factor:.2f}"),
                c.bounds,
                localized(f"{c.p_holm:.4f}"),
            )
        )
    headings = (_("compared"), "a", "b", _("split"), "a − b", _("95 % interval (Holm)"), _("p (Holm)"))
    return Grid(headings, tuple(rows), numbers=False)


def _labels(row: ModelScores) -> Iterable[Block]:
    yield _("{model} on {split}.", model=named(row.model), split=word(row.split))
    names = list(dict.fromkeys(name for label in row.per_label for name in label.metrics))
    rows = tuple(
        (word(one.label), thousands(one.support),
         *(decimals(one.metrics[name]) if name in one.metrics else "–" for name in names))
        for one in row.per_label
    )  # fmt: skip
    yield Grid((_("label"), _("support"), *map(word, names)), rows)
    if row.confusion:
        yield f"{_('Confusion matrix')}: {alt_text.confusion_text(row)}"


def _openings(report: StudyReport) -> Iterable[Block]:
    yield sentences.openings_sentence(report.ledger)
    yield sentences.redraws_sentence(report.redraws)
    if not report.openings:
        yield _("No test split was evaluated in this study.")
        return
    rows = tuple(
        (one.corpus, str(one.number), moment(one.when), one.reason, ", ".join(map(model_name, one.models)))
        for one in report.openings
    )
    headings = (_("corpus"), "n", _("when"), _("why"), _("models"))
    yield Grid(headings, rows, numbers=False)


def _recipes(report: StudyReport) -> Iterable[Block]:
    for corpus, recipe in report.recipes.items():
        yield _("The resolved recipe of {corpus}", corpus=corpus)
        yield Code(toml_text(recipe), "toml")
    yield Bullets(tuple(f"{name} {version}" for name, version in report.versions.items()))
