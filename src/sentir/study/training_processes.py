"""The trainings of a study in several processes.

A process trains one candidate with one seed into its stage; the study then reads it as it does after a restart.
What a training logs is logged when the study comes to it, so that the order is that of the recipes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from sentir.corpus.corpus import Corpus
from sentir.preprocessing.kinds import input_modalities
from sentir.recipe import Recipe
from sentir.study.attached_audio import AttachedAudio
from sentir.study.candidates import TRAINING, train_if_free, training_cache_key
from sentir.study.processes import count_processes, training_pool
from sentir.study.stacking import CrossPredictor, cross_predict
from sentir.study.stages import Stages


@contextmanager
def train_in_processes(
    stages: Stages, trainings: Sequence[tuple[AttachedAudio, Recipe]], checkpoints: Path, workers: int | None
) -> Iterator[None]:
    """Train the unfinished stages of a study in several processes inside the block.

    Reading a stage inside the block waits for its training, and out-of-fold predictions are made fold by fold in
    the same processes. With one process nothing is started: a stage is then trained when it is read. What another
    run of the study trains is left to it, and read when it is done.

    Args:
        stages: of the study.
        trainings: corpus and recipe of each candidate with each seed, in the order in which they are read.
        checkpoints: folder of the checkpoints.
        workers: number of processes, see `count_processes`.
    """
    paths = [_stage_path(stages, audio, recipe) for audio, recipe in trainings]
    todo = {path: one for path, one in zip(paths, trainings, strict=True) if not path.is_dir()}
    corpora = {audio.corpus.name: audio.corpus for audio, _recipe in trainings}
    processes = count_processes(workers, len(todo), sum(map(len, corpora.values())))
    if processes < 2:
        stages.meanwhile = partial(_train_free, stages, list(todo.values()))
        yield
        stages.meanwhile = None
        return
    with training_pool(corpora.values(), processes, checkpoints) as submit:
        stages.submit = submit
        order = list(corpora)
        for path, (audio, recipe) in sorted(todo.items(), key=lambda item: _rank(order, *item[1])):
            stages.pending[path] = submit(partial(_train, stages.folder), audio.corpus.name, recipe)
        try:
            yield
        finally:
            stages.submit = None
            stages.pending.clear()


@contextmanager
def cross_predict_in_processes(
    recipe: Recipe, corpus: Corpus, checkpoints: Path, workers: int | None
) -> Iterator[CrossPredictor]:
    """Yield a `cross_predict`, which trains the folds of a recipe that stacks in several processes.

    Args:
        recipe: of the training.
        corpus: of the training.
        checkpoints: folder of the checkpoints.
        workers: number of processes, see `count_processes`.
    """
    stacked = recipe.model.stacked if recipe.model.uses_stacking else None
    processes = count_processes(workers, 0 if stacked is None else stacked.folds, len(corpus))
    if processes < 2:
        yield cross_predict
        return
    with training_pool([corpus], processes, checkpoints) as submit:
        yield partial(cross_predict, submit=submit)


def _train(folder: Path, audio: AttachedAudio, recipe: Recipe) -> None:
    train_if_free(Stages(folder), audio.for_model(recipe.model), recipe)


def _train_free(stages: Stages, trainings: Sequence[tuple[AttachedAudio, Recipe]]) -> None:
    for audio, recipe in trainings:
        train_if_free(stages, audio.for_model(recipe.model), recipe)


def _stage_path(stages: Stages, audio: AttachedAudio, recipe: Recipe) -> Path:
    return stages.path(TRAINING, training_cache_key(recipe, audio.for_model(recipe.model)))


def _rank(order: Sequence[str], audio: AttachedAudio, recipe: Recipe) -> tuple[int, bool, bool]:
    """Sort one corpus after another, and in each what takes longest first: stacking models, then audio."""
    is_short = "audio" not in input_modalities(recipe.model)
    return order.index(audio.corpus.name), not recipe.model.uses_stacking, is_short
