"""What a report says of a task in plain sentences, on its page and in Markdown alike."""

from __future__ import annotations

from collections.abc import Sequence

from sentir.audit import describe_grade
from sentir.display_names import AT_HALF_SUFFIX, display_name, quoted_model_name
from sentir.evaluation.locked.ledger import LedgerInfo
from sentir.evaluation.results import Comparison, ModelScores, Redraw
from sentir.i18n import _, format_count, localize_numbers
from sentir.recognizer.card_scores import format_score
from sentir.report.task_sections import TaskSection


def task_summary_sentences(section: TaskSection) -> tuple[str, ...]:
    """Say what the chosen model reaches on test, or on dev while test is closed, and beside what."""
    top = section.selected_test_row
    found = (
        _dev_score_sentences(section)
        if top is None or section.metric not in top.metrics
        else _test_score_sentences(section, top)
    )
    if section.corpus.synthetic:
        found.append(_("This corpus is synthetic: its scores say nothing about real speech."))
    return tuple(found)


def _test_score_sentences(section: TaskSection, row: ModelScores) -> list[str]:
    metric, base = section.metric, section.reference_test_row
    score = row.metrics[metric]
    found = [
        _("On the test split of {corpus} ({n} utterances), {model}, selected on dev, reaches {metric} {score}.",
          corpus=section.corpus.name, n=format_count(row.n), model=quoted_model_name(row.model), metric=display_name(metric),
          score=format_score(score)),
        *_default_threshold_sentences(row, metric),
    ]  # fmt: skip
    if row.num_seeds > 1 and score.sd is not None:
        found.append(
            _("This is the mean of {seeds} trainings, with a standard deviation of {sd}.",
              seeds=row.num_seeds, sd=localize_numbers(f"{score.sd:.3f}"))
        )  # fmt: skip
    found += _baseline_selected_sentences(section, row)
    if base is None or metric not in base.metrics:
        return [*found, _("There is no baseline to compare it with.")]
    values = {"model": quoted_model_name(base.model), "score": format_score(base.metrics[metric])}
    if section.is_baseline_selected:
        found.append(_("The best trained candidate, {model}, reaches {score}.", **values))
    else:
        found.append(_("The best baseline, {model}, reaches {score}.", **values))
    verdict = section.reference_comparison
    return [*found, verdict.sentence() if verdict else _("No test compares the two.")]


def _default_threshold_sentences(row: ModelScores, metric: str) -> list[str]:
    half = row.metrics.get(f"{metric}{AT_HALF_SUFFIX}")
    return [] if half is None else [_("With every threshold at 0.5 it is {score}.", score=format_score(half))]


def _baseline_selected_sentences(section: TaskSection, row: ModelScores) -> list[str]:
    """Say so where a simple baseline was chosen."""
    if not section.is_baseline_selected:
        return []
    folder = f"models/{row.corpus}-{row.task}-baseline"
    return [
        _(
            "A simple baseline wins: no trained candidate does better than {model} on dev.",
            model=quoted_model_name(row.model),
        ),
        _("It is saved in {folder}, ready to predict.", folder=folder),
    ]


def _dev_score_sentences(section: TaskSection) -> list[str]:
    found = [
        _("The test split of {corpus} was not evaluated for this task, so there is no test score.",
          corpus=section.corpus.name)
    ]  # fmt: skip
    row, metric = section.selected_row, section.metric
    if row is not None and metric in row.metrics:
        found.append(
            _("On dev, where it was selected, {model} reaches {metric} {score}.",
              model=quoted_model_name(row.model), metric=display_name(metric), score=format_score(row.metrics[metric]))
        )  # fmt: skip
        found += [*_default_threshold_sentences(row, metric), *_baseline_selected_sentences(section, row)]
    return found


def remark_sentences(rows: Sequence[ModelScores]) -> tuple[str, ...]:
    """Say once what a reader of these rows must know, and of which models; of all of them if none is named."""
    held: dict[str, list[str]] = {}
    for row in rows:
        for remark in row.localized_notes:
            held.setdefault(remark, []).append(quoted_model_name(row.model))
    return tuple(
        remark if len(models) == len(rows) else f"{', '.join(models)}: {remark}"
        for remark, models in held.items()
    )


def scored_on_sentences(rows: Sequence[ModelScores]) -> tuple[str, ...]:
    """Say once what the rows of a table were scored on, and what their intervals are over.

    Rows that were scored on other utterances than the rest are named: they must not be compared.
    """
    sets: dict[tuple[int, str], list[str]] = {}
    for row in rows:
        sets.setdefault((row.n, row.ids_hash), []).append(quoted_model_name(row.model))
    found = [
        _scored_on_sentence(n, hashed, models if len(sets) > 1 else []) for (n, hashed), models in sets.items()
    ]
    if len(sets) > 1:
        found.append(_("These models were not all scored on the same utterances; do not compare them."))
    basis = dict.fromkeys(row.interval_basis for row in rows if row.interval_basis)
    return (*found, *(f"{one[:1].upper()}{one[1:]}." for one in basis))


def _scored_on_sentence(n: int, ids_hash: str, models: Sequence[str]) -> str:
    values = {"n": format_count(n), "hash": f" ({ids_hash})" if ids_hash else "", "models": ", ".join(models)}
    if models:
        return _("{models}: scored on {n} utterances{hash}.", **values)
    return _("Scored on {n} utterances{hash}.", **values)


def comparison_basis(comparison: Comparison) -> str:
    """Say in what and on what two models are compared."""
    counts = {"n": format_count(comparison.n), "dialogues": format_count(comparison.num_clusters)}
    return _(
        "{metric} on {split}, {n} utterances in {dialogues} dialogues",
        metric=display_name(comparison.metric),
        split=display_name(comparison.split),
        **counts,
    )


def method_text() -> str:
    """Say how choices, intervals and tests are made."""
    return _(
        "Everything is selected on dev: the model, the epoch whose weights are kept, the calibration and the "
        "thresholds. Numbers in brackets are 95 % intervals over whole dialogues (videos), or over speakers "
        "where a corpus has no dialogues, because utterances of one resemble one another: jackknife standard "
        "errors and Student's t. Two models are compared on the same utterances by a paired permutation test "
        "that swaps their predictions dialogue by dialogue. Its p-value and the interval of the difference are "
        "both corrected by Holm's method for the number of comparisons in the table, so that the interval leaves "
        "out 0 exactly where p is below 0.05. ± is the standard deviation over seeds."
    )


def openings_sentence(ledger: LedgerInfo) -> str:
    """Say what the ledger is, and which one counted."""
    found = _(
        "Test labels are held out, and a ledger counts every evaluation on test. The more often a test split has "
        "been evaluated, the less its score is worth."
    )
    if ledger.first_opening:
        found += " " + _(
            "This ledger has counted since {day}; it knows of no other.", day=ledger.first_opening[:10]
        )
    if ledger.is_relocated:
        found += " " + _("It is not the user's usual one: SENTIR_STATE_DIR says where it is.")
    return found


def redraws_sentence(found: Sequence[Redraw]) -> str:
    """Say how many tests were discarded and drawn anew, why, and how often those had been opened."""
    if not found:
        return _("Test splits discarded and drawn anew, by the record beside the ledger: 0.")
    told = "; ".join(
        _("{corpus}, {day}, seed {before} to {after}: {reason} (opened before: {n})",
          corpus=one.corpus, day=one.when[:10], before=one.seeds[0], after=one.seeds[1], reason=one.reason,
          n=one.openings)
        for one in found
    )  # fmt: skip
    return _("Test splits discarded and drawn anew, by the record beside the ledger: {n}, which had been opened "
             "{opened} times: {told}.", n=len(found), opened=count_earlier_openings(found), told=told)  # fmt: skip


def count_earlier_openings(found: Sequence[Redraw]) -> int:
    """Return how often the discarded tests had been opened."""
    return sum({one.discarded: one.openings for one in found}.values())


def grade_sentence(grade: str) -> str:
    """Say what the audit of a corpus gave it."""
    return _("Grade {grade}: {meaning}", grade=grade, meaning=describe_grade(grade))


def footer_text() -> str:
    """Say what a score is worth beyond its corpus."""
    return _(
        "Made by Sentir. Emotion labels are what annotators saw in a scene, not what a person felt; a score here "
        "speaks for these corpora only."
    )
