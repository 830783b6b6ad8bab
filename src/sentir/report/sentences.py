"""The sentences of a report, the same on its page and in Markdown."""

from __future__ import annotations

from collections.abc import Sequence

from sentir.audit import describe_grade
from sentir.display_names import display_name, quoted_model_name
from sentir.evaluation.formatting import format_number, format_score
from sentir.evaluation.locked.ledger import LedgerInfo
from sentir.evaluation.metrics import AT_HALF_SUFFIX, metric_display_name
from sentir.evaluation.results import Comparison, ModelScores, Redraw
from sentir.i18n import _, format_count
from sentir.report.study_report import StudyReport
from sentir.report.task_sections import TaskSection, task_sections


def summarize_study(report: StudyReport) -> tuple[str, ...]:
    """Return for each task the score of the selected model, and how the best models of each family compare.

    They are compared on test, or on dev if test was not evaluated. If all are of one family, the selected model
    is compared with the others.
    """
    return tuple(sentence for section in task_sections(report) for sentence in _summarize_task(section))


def _summarize_task(section: TaskSection) -> tuple[str, ...]:
    split, best = "test" if section.test_rows else "dev", set(section.best_per_family)
    pairs = [(c, {c.a, c.b}) for c in section.comparisons if c.split == split]
    comparisons = [c for c, pair in pairs if (pair <= best if len(best) > 1 else pair & best)]
    return tuple(dict.fromkeys([*task_summary_sentences(section), *(c.sentence() for c in comparisons)]))


def task_summary_sentences(section: TaskSection) -> tuple[str, ...]:
    """Return the score of the selected model on test, or on dev if test was not evaluated, and its comparison."""
    row = section.selected_test_row
    if row is None or section.metric not in row.metrics:
        sentences = _dev_score_sentences(section)
    else:
        sentences = _test_score_sentences(section, row)
    if section.corpus.synthetic:
        sentences.append(_("This corpus is synthetic: its scores say nothing about real speech."))
    return tuple(sentences)


def _test_score_sentences(section: TaskSection, row: ModelScores) -> list[str]:
    metric = section.metric
    score = row.metrics[metric]
    values = {
        "corpus": section.corpus.name, "n": format_count(row.n), "model": quoted_model_name(row.model),
        "metric": metric_display_name(metric), "score": format_score(score),
    }  # fmt: skip
    over_folds = row.score_over_folds(metric)
    sentences = [
        _("On the test split of {corpus} ({n} utterances), {model}, selected on dev, reaches {metric} {score}.",
          **values)
        if over_folds is None
        else _("On all {n} utterances of {corpus}, by {folds} folds, {model}, selected on dev in each fold, "
               "reaches {metric} {score}; over the folds it is {mean} ± {sd}.", folds=len(row.folds),
               mean=format_number(over_folds.value), sd=format_number(over_folds.sd), **values),
        *_default_threshold_sentences(row, metric),
    ]  # fmt: skip
    if row.num_seeds > 1 and score.sd is not None:
        sentences.append(
            _("This is the mean of {seeds} trainings, with a standard deviation of {sd}.",
              seeds=row.num_seeds, sd=format_number(score.sd))
        )  # fmt: skip
    return [*sentences, *_baseline_selected_sentences(section, row), *_reference_sentences(section)]


def _reference_sentences(section: TaskSection) -> list[str]:
    """Return how the selected model compares with the best baseline; a selected one with the best candidate."""
    reference, metric = section.reference_row, section.metric
    if reference is None or metric not in reference.metrics:
        return [_("There is no baseline to compare it with.")]
    values = {"model": quoted_model_name(reference.model), "score": format_score(reference.metrics[metric])}
    if section.is_baseline_selected:
        sentences = [_("The best trained candidate, {model}, reaches {score}.", **values)]
    else:
        sentences = [_("The best baseline, {model}, reaches {score}.", **values)]
    comparison = section.reference_comparison
    if comparison is None:
        return [*sentences, _("No significance test compares the two.")]
    sentences.append(comparison.sentence())
    if not comparison.is_significant and not section.is_baseline_selected:
        sentences.append(
            _("So it is not shown that the trained model is better than a simple baseline: the interval of the "
              "difference includes 0.")
        )  # fmt: skip
    return sentences


def _default_threshold_sentences(row: ModelScores, metric: str) -> list[str]:
    half = row.metrics.get(f"{metric}{AT_HALF_SUFFIX}")
    return [] if half is None else [_("With every threshold at 0.5 it is {score}.", score=format_score(half))]


def _baseline_selected_sentences(section: TaskSection, row: ModelScores) -> list[str]:
    """Return what to know where a simple baseline was selected."""
    if not section.is_baseline_selected:
        return []
    folder = f"models/{row.corpus}-{row.task}-baseline"
    wins = _(
        "A simple baseline wins: no trained candidate does better than {model} on dev.",
        model=quoted_model_name(row.model),
    )
    return [wins] if row.folds else [wins, _("It is saved in {folder}, ready to predict.", folder=folder)]


def _dev_score_sentences(section: TaskSection) -> list[str]:
    sentences = [
        _("The test split of {corpus} was not evaluated for this task, so there is no test score.",
          corpus=section.corpus.name)
    ]  # fmt: skip
    row, metric = section.selected_row, section.metric
    if row is not None and metric in row.metrics:
        sentences.append(
            _("On dev, where it was selected, {model} reaches {metric} {score}.",
              model=quoted_model_name(row.model), metric=metric_display_name(metric),
              score=format_score(row.metrics[metric]))
        )  # fmt: skip
        sentences += [*_default_threshold_sentences(row, metric), *_baseline_selected_sentences(section, row)]
        sentences += _reference_sentences(section)
    return sentences


def remark_sentences(rows: Sequence[ModelScores]) -> tuple[str, ...]:
    """Return the notes of these rows, each once, preceded by the models it is about unless it is about all."""
    models_by_note: dict[str, list[str]] = {}
    for row in rows:
        for note in row.localized_notes:
            models_by_note.setdefault(note, []).append(quoted_model_name(row.model))
    return tuple(
        note if len(models) == len(rows) else f"{', '.join(models)}: {note}"
        for note, models in models_by_note.items()
    )


def scored_on_sentences(rows: Sequence[ModelScores]) -> tuple[str, ...]:
    """Return the number of utterances that the rows were scored on, and the clusters behind their intervals.

    Models that were scored on different utterances are named: they must not be compared.
    """
    sets: dict[tuple[int, str], list[str]] = {}
    for row in rows:
        sets.setdefault((row.n, row.ids_hash), []).append(quoted_model_name(row.model))
    sentences = [
        _scored_on_sentence(n, ids_hash, models if len(sets) > 1 else [])
        for (n, ids_hash), models in sets.items()
    ]
    if len(sets) > 1:
        sentences.append(_("These models were not all scored on the same utterances; do not compare them."))
    basis = dict.fromkeys(row.interval_basis for row in rows if row.interval_basis)
    return (*sentences, *(f"{one[:1].upper()}{one[1:]}." for one in basis))


def _scored_on_sentence(n: int, ids_hash: str, models: Sequence[str]) -> str:
    values = {"n": format_count(n), "hash": f" ({ids_hash})" if ids_hash else "", "models": ", ".join(models)}
    if models:
        return _("{models}: scored on {n} utterances{hash}.", **values)
    return _("Scored on {n} utterances{hash}.", **values)


def comparison_basis(comparison: Comparison) -> str:
    """Return the metric and the data on which two models are compared."""
    counts = {"n": format_count(comparison.n), "dialogues": format_count(comparison.num_clusters)}
    return _(
        "{metric} on {split}, {n} utterances in {dialogues} dialogues",
        metric=metric_display_name(comparison.metric),
        split=display_name(comparison.split),
        **counts,
    )


def method_text() -> str:
    """Return how models are selected, and how intervals and significance tests are computed."""
    return _(
        "Everything is selected on dev: the model, the epoch, the calibration and the thresholds. Numbers in "
        "brackets are 95% confidence intervals, clustered by dialogue (video), or by speaker where a corpus has "
        "no dialogues, because utterances of one dialogue or speaker are correlated: jackknife standard errors "
        "and Student's t. Two models are compared on the same utterances by a paired permutation test that swaps "
        "their predictions dialogue by dialogue. Its p-value and the interval of the difference are both "
        "corrected by Holm's method for the number of comparisons in the table, so that the interval excludes 0 "
        "exactly where p is below 0.05. ± is the standard deviation over seeds."
    )


def openings_sentence(ledger: LedgerInfo) -> str:
    """Return what the ledger is, and since when and where it counts."""
    text = _(
        "Test labels are held out, and a ledger counts every evaluation on test. The more often a test split has "
        "been evaluated, the less its score is worth."
    )
    if ledger.first_opening:
        text += " " + _(
            "This ledger was started on {day}; evaluations that another ledger recorded are not counted.",
            day=ledger.first_opening[:10],
        )
    if ledger.is_relocated:
        text += " " + _("It is not in its default folder, but where SENTIR_STATE_DIR says.")
    return text


def redraws_sentence(redraws: Sequence[Redraw]) -> str:
    """Return how many test splits were discarded and redrawn, why, and how often they had been evaluated."""
    if not redraws:
        return _("Test splits discarded and redrawn, as recorded next to the ledger: 0.")
    entries = "; ".join(
        _("{corpus}, {day}, seed {before} to {after}: {reason} (evaluated before: {n})",
          corpus=one.corpus, day=one.when[:10], before=one.seeds[0], after=one.seeds[1], reason=one.reason,
          n=one.openings)
        for one in redraws
    )  # fmt: skip
    return _("Test splits discarded and redrawn, as recorded next to the ledger: {n}; evaluations on them: "
             "{openings}. {entries}.",
             n=len(redraws), openings=count_earlier_openings(redraws), entries=entries)  # fmt: skip


def count_earlier_openings(redraws: Sequence[Redraw]) -> int:
    """Return how often the discarded test splits had been evaluated."""
    return sum({one.discarded: one.openings for one in redraws}.values())


def grade_sentence(grade: str) -> str:
    """Return the grade of a corpus' audit, its meaning, and where the reasons are."""
    sentence = _("Grade {grade}: {meaning}", grade=grade, meaning=describe_grade(grade))
    return sentence if grade == "A" else " ".join((sentence, _("'sentir corpus audit' says why.")))


def footer_text() -> str:
    """Return what the scores of a report are about."""
    return _(
        "Made by Sentir. Emotion labels are what annotators saw in a scene, not what a person felt; a score here "
        "speaks for these corpora only."
    )
