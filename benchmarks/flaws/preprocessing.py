"""What is fitted on more than train, and columns that are not what they are called."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from flaws.baselines import bag, honest, labeled, learn, say, words
from flaws.held_out import Finding, Ground, Said, find
from sentir.features import compute_features
from sentir.features.scaling import FeatureScaler

FEATURE_SETS = ("lexical", "dialogue")


def scaler_on_all_splits(ground: Ground) -> Iterator[Finding]:
    """Numbers alone, standardized by train, by everything, and by each split for itself."""
    space = ground.label_space("emotion")
    splits = [labeled(rows, "emotion") for rows in (ground.train, ground.dev, ground.held)]
    tables = [compute_features(FEATURE_SETS, rows) for rows in splits]
    everything = FeatureScaler.fit(compute_features(FEATURE_SETS, [u for rows in splits for u in rows]))
    ways = {
        "train": [FeatureScaler.fit(tables[0])] * 3,
        "numbers scaled over train, dev and test": [everything] * 3,
        "numbers scaled over each split for itself": [FeatureScaler.fit(table) for table in tables],
    }
    found = {}
    for way, scalers in ways.items():
        x, x_dev, x_held = (scaler.transform(table) for scaler, table in zip(scalers, tables, strict=True))
        model = learn(space, x, splits[0])
        (found[way],) = say(space, model, (x_dev, splits[1]), (x_held, splits[2]))
    right = found.pop("train")
    for way, told in found.items():
        yield find(way, ground, right, told)


def vocabulary_on_all_splits(ground: Ground) -> Iterator[Finding]:
    """Words and their weights counted on everything."""
    space = ground.label_space("emotion")
    train, dev, held = (labeled(rows, "emotion") for rows in (ground.train, ground.dev, ground.held))
    count = words([*train, *dev, *held])
    (told,) = say(space, learn(space, count(train), train), (count(dev), dev), (count(held), held))
    yield find("vocabulary and tf-idf fitted on train, dev and test", ground, honest(ground, held), told)


def shifted_columns(ground: Ground) -> Iterator[Finding]:
    """A train part that lacks a label, and probabilities named in order."""
    space = ground.label_space("emotion")
    if space.multilabel:
        return
    absent = space.names[1]
    train = [u for u in labeled(ground.train, "emotion") if u.labels["emotion"] != (absent,)]
    dev, held = (labeled(rows, "emotion") for rows in (ground.dev, ground.held))
    count = words(train)
    (right,) = say(space, learn(space, count(train), train), (count(dev), dev), (count(held), held))
    p = right.align_runs[0][0]
    shifted = np.hstack([np.delete(p, 1, axis=1), np.zeros((len(p), 1))])
    told = Said(space, held, [(shifted, None)])
    yield find(f"columns named in order where train lacks '{absent}'", ground, right, told)


def raw_logits(ground: Ground) -> Iterator[Finding]:
    """Logits in the place of probabilities, cut at a half."""
    space = ground.label_space("emotion")
    if not space.multilabel:
        return
    held = labeled(ground.held, "emotion")
    count, model = bag(ground, "emotion")
    p = model(count(held))
    right = Said(space, held, [(p, np.full(len(space), 0.5))])
    logits = np.log(np.clip(p, 1e-9, 1) / np.clip(1 - p, 1e-9, 1))
    told = Said(space, held, [(logits, np.full(len(space), 0.5))])
    yield find("raw logits cut at .5 as if they were probabilities", ground, right, told)
