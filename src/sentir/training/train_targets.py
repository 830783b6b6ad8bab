"""The targets of a training: encoded labels of train, without those of too short utterances."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from torch import Tensor

from sentir.corpus.cleaning import clean_text
from sentir.corpus.corpus import Corpus
from sentir.corpus.labels import LabelSpace
from sentir.corpus.utterances import Labels
from sentir.errors import RecipeError
from sentir.i18n import _
from sentir.recipe import Recipe
from sentir.training.losses import UNLABELED, encode_soft_targets, encode_targets


def encode_train_targets(corpus: Corpus, recipe: Recipe, spaces: Sequence[LabelSpace]) -> list[Tensor]:
    """Encode the labels of train for each task, except for utterances of fewer than ``min_train_words`` words."""
    minimum, cleaning = recipe.data.min_train_words, recipe.data.cleaning
    short = [minimum > 0 and len(clean_text(u.text or "", cleaning).split()) < minimum for u in corpus.train]
    rows = [
        ({}, {}) if is_short else (u.labels, u.scores) for u, is_short in zip(corpus.train, short, strict=True)
    ]
    targets = [encode_targets(space, [labels.get(space.task) for labels, _scores in rows]) for space in spaces]
    if recipe.train.soft_labels:
        targets[0] = _encode_soft_targets(corpus, spaces[0], rows)
    if not all((task_targets != UNLABELED).any() for task_targets in targets):
        raise RecipeError(_("'data.min_train_words' = {n} excludes all train utterances; lower it.", n=minimum))
    return targets


def _encode_soft_targets(
    corpus: Corpus, space: LabelSpace, rows: Sequence[tuple[Labels, Mapping[str, float]]]
) -> Tensor:
    if all(space.soft_labels(scores) is None for _labels, scores in rows):
        raise RecipeError(
            _("'train.soft_labels' needs votes or intensities for '{task}', of which train of '{name}' has none; "
              "remove it.", task=space.task, name=corpus.name)
        )  # fmt: skip
    return encode_soft_targets(space, [labels.get(space.task) for labels, _s in rows], [s for _l, s in rows])
