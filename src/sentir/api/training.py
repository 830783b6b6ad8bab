"""The verb that trains one model."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from sentir.api.evaluation import make_scorer, score_model
from sentir.api.loading import as_recognizer
from sentir.api.recipes import as_recipe
from sentir.corpus.corpus import Corpus
from sentir.errors import RecognizerError
from sentir.evaluation.results import ModelScores
from sentir.file_locks import lock_run_folder
from sentir.paths import PathLike
from sentir.preflight import require_model, require_root
from sentir.process_group import rank, require_complete_process_group, world_size
from sentir.readers import read_corpus
from sentir.recipe import Recipe
from sentir.recognizer.hub import find_model

if TYPE_CHECKING:
    from sentir.recognizer.recognizer import Recognizer


def train(
    recipe: PathLike | Recipe,
    *,
    root: PathLike | None = None,
    out: PathLike,
    init_from: PathLike | None = None,
    tensorboard: PathLike | None = None,
    workers: int | None = 1,
) -> tuple[Recognizer, ModelScores]:
    """Train one model by a recipe, save it to ``out``, and score it on dev. The test split is not used.

    A training that was interrupted resumes if it is started again with the same recipe, corpus and ``out``. Under
    ``torchrun`` or ``accelerate launch`` the processes share each batch and the first one saves; such a training
    resumes with any number of processes, also with one.

    Args:
        recipe: its path, its name if it comes with Sentir, or a `Recipe`.
        root: folder of the corpus.
        out: folder that the model is saved to; during training ``out/checkpoints`` holds the checkpoints.
        init_from: folder of a saved model to continue training, on data of the same task. Its network,
            preprocessing and labels replace those of the recipe; a corpus with unknown labels is an error.
        tensorboard: folder that the learning curves are written to for TensorBoard.
        workers: processes that train the folds of a stacked model, if there is one; ``None`` for as many as
            `sentir.run_study` takes by default. Results are equal, as there. Processes are spawned, so a script
            needs ``if __name__ == "__main__":``. With ``tensorboard``, or under ``torchrun``, there is one.

    Returns:
        The recognizer, and its scores on dev; the metric that selected the epoch comes first.

    Raises:
        SentirError: if the recipe, the corpus or the weights cannot be used, another run uses ``out``, or the
            model would replace files there that Sentir did not write.
    """
    recipe = as_recipe(recipe)
    require_root(recipe.data.reader, recipe.data.root if root is None else root)
    if init_from is not None:
        init_from = find_model(init_from)
        require_model(init_from)
    from sentir.recognizer.saved_files import check_output_folder
    from sentir.study.stacking import train_recognizer
    from sentir.study.training_processes import cross_predict_in_processes
    from sentir.training.callbacks import log_to_tensorboard
    from sentir.training.checkpoints import checkpoint_to
    from sentir.training.hardware import warn_thread_change

    require_complete_process_group()
    out, curves = Path(out), None if tensorboard is None else Path(tensorboard)
    check_output_folder(out)
    run_lock = lock_run_folder(out) if rank() == 0 else nullcontext()
    initial = None if init_from is None else as_recognizer(init_from)
    with run_lock, checkpoint_to(out / "checkpoints"), log_to_tensorboard(curves):
        corpus = read_corpus(recipe.data, root)
        threads = _previous_threads(out, recipe, corpus)
        processes = 1 if curves is not None or world_size() > 1 else workers
        with cross_predict_in_processes(recipe, corpus, out / "checkpoints", processes) as cross_predictor:
            recognizer, dev = train_recognizer(recipe, corpus, init_from=initial, cross_predictor=cross_predictor)
        spaces = {**corpus.label_spaces, recognizer.space.task: recognizer.space}
        scorer = make_scorer(replace(corpus, label_spaces=spaces), "dev", recipe)
        scores = score_model(scorer, recipe.name, recognizer, dev)
        recognizer.facts = {**recognizer.facts, "scores": [scores.to_row()]}
        if threads is not None:
            warn_thread_change(threads, recognizer.facts["throughput"]["threads"])
        if rank() == 0:
            recognizer.save_pretrained(out)
    return recognizer, scores


def _previous_threads(out: Path, recipe: Recipe, corpus: Corpus) -> float | None:
    """Return the number of threads of the same training whose model is in ``out``; ``None`` if there is none."""
    from sentir.recognizer.saved_facts import read_saved_model

    try:
        saved, facts = read_saved_model(out)
    except RecognizerError:
        return None
    same = saved.recipe == recipe and facts["fingerprint"] == corpus.fingerprint
    return facts.get("throughput", {}).get("threads") if same else None
