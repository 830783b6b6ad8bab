"""What a recognizer's dev score hangs on, gathered."""

from __future__ import annotations

from sentir.corpus.corpus import Corpus
from sentir.evaluation.intervals import scored
from sentir.evaluation.results import CONFIDENCE
from sentir.explanation.dev_predictor import Dev
from sentir.explanation.modality_ablation import withhold
from sentir.explanation.permutation_importance import permutation_importance
from sentir.explanation.results import ModelExplanation
from sentir.recognizer.recognizer import Recognizer


def explain_recognizer(recognizer: Recognizer, corpus: Corpus) -> ModelExplanation:
    """Measure on dev what the score loses without text, sound, context, numbers, and each number.

    Raises:
        PredictionsError: if dev has fewer than two dialogues.
        SentirError: if the corpus does not fit the recognizer.
    """
    dev = Dev(recognizer, corpus)
    withheld = withhold(dev)
    sets, columns = permutation_importance(dev)
    truth, runs, groups = dev.runs([dev.ask()])
    scores = scored(recognizer.space, truth, runs, groups, confidence=CONFIDENCE)
    return ModelExplanation(
        model=recognizer.recipe.name,
        corpus=corpus.name,
        task=recognizer.space.task,
        metric=dev.metric,
        score=scores[dev.metric],
        n=len(truth),
        clusters=len(set(groups)),
        synthetic=corpus.synthetic,
        withheld=withheld,
        sets=sets,
        columns=columns,
    )
