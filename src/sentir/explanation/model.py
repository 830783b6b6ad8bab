"""The explanation of a recognizer: which inputs its dev score depends on."""

from __future__ import annotations

from sentir.corpus.corpus import Corpus
from sentir.evaluation.intervals import score_with_intervals
from sentir.explanation.dev_predictor import DevPredictor
from sentir.explanation.modality_ablation import ablate_inputs
from sentir.explanation.permutation_importance import permutation_importance
from sentir.explanation.results import ModelExplanation
from sentir.recognizer.recognizer import Recognizer


def explain_recognizer(recognizer: Recognizer, corpus: Corpus) -> ModelExplanation:
    """Measure on dev how much the score drops without text, audio, context or features, and without each feature.

    Raises:
        PredictionsError: if dev has fewer than two dialogues.
        SentirError: if the corpus does not fit the recognizer.
    """
    dev = DevPredictor(recognizer, corpus)
    ablations = ablate_inputs(dev)
    feature_sets, columns = permutation_importance(dev)
    aligned = dev.align_runs([dev.predict()])
    return ModelExplanation(
        model=recognizer.recipe.name,
        corpus=corpus.name,
        task=recognizer.space.task,
        metric=dev.metric,
        score=score_with_intervals(aligned)[dev.metric],
        n=len(aligned),
        num_clusters=len(set(aligned.groups)),
        synthetic=corpus.synthetic,
        ablations=ablations,
        feature_sets=feature_sets,
        columns=columns,
    )
