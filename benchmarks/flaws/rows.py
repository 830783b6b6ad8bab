"""Rows that are dropped, mixed up or reordered between prediction and scoring."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from flaws.baselines import fit_logistic_regression, fit_tfidf, labeled, predict_bag_of_words, predict_sides
from flaws.held_out import Finding, HeldOutCorpus, PredictedRows, compare_scores, percentile_interval
from sentir.corpus.cleaning import THESIS_CLEANING, clean_text
from sentir.corpus.utterances import Utterance

MIN_WORDS = 2
USERS, MISSING_SHARE = 200, 0.05  # each user lacks a twentieth of the files


def cleaning_drops(data: HeldOutCorpus) -> Iterator[Finding]:
    """The thesis' cleaning; rows left with fewer than two words are dropped from scoring, or not."""
    space = data.label_space("emotion")
    train, dev, held = (labeled(rows, "emotion") for rows in (data.train, data.dev, data.held_out))
    long = [u for u in train if _is_long(u)]
    vectorize = fit_tfidf(long, cleaning=THESIS_CLEANING)
    model = fit_logistic_regression(space, vectorize(long), long)
    kept_dev, kept = ([u for u in rows if _is_long(u)] for rows in (dev, held))
    (correct,) = predict_sides(space, model, (vectorize(dev), dev), (vectorize(held), held))
    (reported,) = predict_sides(space, model, (vectorize(kept_dev), kept_dev), (vectorize(kept), kept))
    share = 100 * (1 - len(kept) / len(held))
    yield compare_scores(f"cleaning that drops {share:.0f} % of the scored rows", data, correct, reported)


def _is_long(u: Utterance) -> bool:
    return len(clean_text(u.text or "", THESIS_CLEANING).split()) >= MIN_WORDS


def ids_without_split(data: HeldOutCorpus) -> Iterator[Finding]:
    """Short utterances are dropped from train by ids that also occur in dev and test; dev is scored."""
    dropped = {_key(u) for u in data.corpus.train if not _is_long(u)}
    lost = {split: sum(_key(u) in dropped for u in data.corpus.split(split)) for split in ("dev", "test")}
    if not any(lost.values()):
        return
    correct = predict_bag_of_words(data, data.dev)
    p, cuts = correct.runs[0]
    kept = np.array([_key(u) not in dropped for u in correct.rows])
    reported = PredictedRows(
        correct.space, [u for u, keep in zip(correct.rows, kept, strict=True) if keep], [(p[kept], cuts)]
    )
    flaw = f"ids without their split: {lost['test']} test and {lost['dev']} dev rows dropped with train's; dev"
    yield compare_scores(flaw, data, correct, reported)


def _key(u: Utterance) -> str:
    return u.id.split("/", 2)[2]


def missing_files(data: HeldOutCorpus) -> Iterator[Finding]:
    """Users who each lack different files and score the rest; the interval covers 95 % of the users."""
    all_rows = predict_bag_of_words(data, data.held_out)
    p, cuts = all_rows.runs[0]
    scores = []
    for user in range(USERS):
        has = np.random.default_rng(user).random(len(all_rows.rows)) >= MISSING_SHARE
        rows = [u for u, has_it in zip(all_rows.rows, has, strict=True) if has_it]
        scores.append(PredictedRows(all_rows.space, rows, [(p[has], cuts)]).score)
    low, high = percentile_interval(np.array(scores) - all_rows.score)
    flaw = f"files missing at random ({100 * MISSING_SHARE:.0f} %) and dropped"
    yield Finding(flaw, f"{data.name}, emotion", all_rows.score, float(np.mean(scores)), low, high)


def shuffled_predictions(data: HeldOutCorpus) -> Iterator[Finding]:
    """Predictions of a shuffling loader, joined with the rows in their original order."""
    correct = predict_bag_of_words(data, data.held_out)
    p, cuts = correct.runs[0]
    runs = [(p[np.random.default_rng(n).permutation(len(p))], cuts) for n in range(data.num_repeats)]
    yield compare_scores(
        "predictions of a shuffled loader, written back by position",
        data,
        correct,
        PredictedRows(correct.space, correct.rows, runs),
    )
