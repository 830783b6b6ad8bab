"""Rows that are dropped, confused or exchanged between predicting and scoring."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from flaws.baselines import honest, labeled, learn, say, words
from flaws.held_out import Finding, Ground, Said, find, interval
from sentir.corpus.cleaning import THESIS_CLEANING, clean_text
from sentir.corpus.utterances import Utterance

MIN_WORDS = 2
USERS, MISSING_SHARE = 200, 0.05  # each of whom lacks a twentieth of the files


def cleaning_drops(ground: Ground) -> Iterator[Finding]:
    """The thesis' cleaning; what keeps fewer than two words is dropped from what is scored, or not."""
    space = ground.label_space("emotion")
    train, dev, held = (labeled(rows, "emotion") for rows in (ground.train, ground.dev, ground.held))
    learned = [u for u in train if _is_long(u)]
    count = words(learned, cleaning=THESIS_CLEANING)
    model = learn(space, count(learned), learned)
    kept_dev, kept = ([u for u in rows if _is_long(u)] for rows in (dev, held))
    (right,) = say(space, model, (count(dev), dev), (count(held), held))
    (told,) = say(space, model, (count(kept_dev), kept_dev), (count(kept), kept))
    share = 100 * (1 - len(kept) / len(held))
    yield find(f"cleaning that drops {share:.0f} % of what is scored", ground, right, told)


def _is_long(u: Utterance) -> bool:
    return len(clean_text(u.text or "", THESIS_CLEANING).split()) >= MIN_WORDS


def ids_without_split(ground: Ground) -> Iterator[Finding]:
    """Short utterances are dropped from train, by an id that dev and test have too; dev is scored."""
    gone = {key for u in ground.corpus.train if not _is_long(u) for key in [_key(u)]}
    lost = {split: sum(_key(u) in gone for u in ground.corpus.split(split)) for split in ("dev", "test")}
    if not any(lost.values()):
        return
    right = honest(ground, ground.dev)
    p, cuts = right.align_runs[0]
    kept = np.array([_key(u) not in gone for u in right.rows])
    told = Said(right.space, [u for u, keep in zip(right.rows, kept, strict=True) if keep], [(p[kept], cuts)])
    flaw = f"ids without their split: {lost['test']} test rows and {lost['dev']} of dev go with train's; dev"
    yield find(flaw, ground, right, told)


def _key(u: Utterance) -> str:
    return u.id.split("/", 2)[2]


def missing_files(ground: Ground) -> Iterator[Finding]:
    """Users who each lack other files, and score what they have; the interval holds 95 % of them."""
    all_rows = honest(ground, ground.held)
    p, cuts = all_rows.align_runs[0]
    values = []
    for user in range(USERS):
        has = np.random.default_rng(user).random(len(all_rows.rows)) >= MISSING_SHARE
        rows = [u for u, has_it in zip(all_rows.rows, has, strict=True) if has_it]
        values.append(Said(all_rows.space, rows, [(p[has], cuts)]).value)
    low, high = interval(np.array(values) - all_rows.value)
    on = f"{ground.name}, emotion"
    flaw = f"files missing by chance ({100 * MISSING_SHARE:.0f} %) and dropped"
    yield Finding(flaw, on, all_rows.value, float(np.mean(values)), low, high)


def shuffled_predictions(ground: Ground) -> Iterator[Finding]:
    """Predictions of a loader that shuffles, written beside the rows in their own order."""
    right = honest(ground, ground.held)
    p, cuts = right.align_runs[0]
    runs = [(p[np.random.default_rng(n).permutation(len(p))], cuts) for n in range(ground.num_repeats)]
    yield find("a shuffled loader, written back by position", ground, right, Said(right.space, right.rows, runs))
