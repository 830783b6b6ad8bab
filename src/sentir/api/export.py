"""The verb that exports a trained model to ONNX."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from sentir.api.evaluation import make_scorer, score_model
from sentir.api.loading import (
    as_model,
    as_recognizer,
    get_model_name,
    load,
    require_same_labels,
    require_scoring_plugins,
)
from sentir.corpus.predictions import Predictions
from sentir.corpus.utterances import Utterance
from sentir.evaluation.results import Score
from sentir.optional_dependencies import require_extra
from sentir.paths import PathLike
from sentir.preflight import require_corpus_of_model, require_model, require_root
from sentir.readers import read_corpus
from sentir.recognizer.hub import find_model

if TYPE_CHECKING:
    from sentir.api.loading import Model
    from sentir.export.exporting import DevScore
    from sentir.export.parity import ParityReport
    from sentir.recognizer.recognizer import Recognizer
    from sentir.study.ensemble import Ensemble


def export_model(
    model: PathLike | Recognizer | Ensemble,
    out: PathLike,
    *,
    root: PathLike | None = None,
    int8: bool = False,
    allow_loss: bool = False,
) -> tuple[Model, ParityReport]:
    """Export a trained model to ONNX, if the export predicts the same.

    The folder holds the model with its encoders as graphs, of an ensemble those of each member; it predicts
    without torch. Trained and exported model are compared on the dev split of the model's corpus, or on generated
    utterances without a corpus: logits may differ by 1e-4, and an 8-bit model may lose half a point.

    Args:
        model: a recognizer, an ensemble, or the folder of one.
        out: folder to write.
        root: folder of the model's corpus; by default that of its recipe, if it has one.
        int8: whether the weights of encoders become 8-bit integers: a quarter of the size, and faster on CPUs.
        allow_loss: whether an 8-bit model may lose more.

    Returns:
        The exported recognizer, and the report of the comparison.

    Raises:
        RecognizerError: if the predictions differ, or the model cannot be exported; nothing is written.
        MissingDependencyError: if torch or onnx is not installed.
        SentirError: if the model or the corpus cannot be used.
    """
    require_extra("export", "export_model()")
    if isinstance(model, PathLike):
        model = find_model(model)
        require_model(model)
        if root is not None:
            require_corpus_of_model(model, root)
    from sentir.export.exporting import exported
    from sentir.export.generated_utterances import generate_utterances
    from sentir.recognizer.saved_files import check_output_folder
    from sentir.study.ensemble import Ensemble
    from sentir.study.ensemble_export import exported_ensemble

    check_output_folder(Path(out))
    loaded = as_model(model)
    is_ensemble = isinstance(loaded, Ensemble)
    recognizer: Recognizer | Ensemble = loaded if isinstance(loaded, Ensemble) else as_recognizer(loaded)
    data = recognizer.recipe.data
    has_corpus = root is not None or data.root is not None or data.reader.startswith("demo-")
    options: dict[str, Any] = {"int8": int8, "allow_loss": allow_loss}
    export: Any = exported_ensemble if is_ensemble else exported
    if has_corpus:
        require_root(data.reader, root or data.root)
        utterances, dev_score = _read_dev(recognizer, get_model_name(model), root)
        with export(recognizer, utterances, inputs="dev", dev_score=dev_score, **options) as (ours, report):
            ours.save_pretrained(out)
    else:
        audio = "audio" in recognizer.modalities or recognizer.has_acoustic_features
        utterances = generate_utterances(audio=audio)
        with export(recognizer, utterances, inputs="generated", **options) as (ours, report):
            ours.save_pretrained(out)
    return load(out), report


def _read_dev(
    recognizer: Recognizer | Ensemble, name: str, root: PathLike | None
) -> tuple[list[Utterance], DevScore]:
    """Return the dev split of a model's corpus, and how the main task is scored on it."""
    from sentir.evaluation.metrics import resolve_metric
    from sentir.export.exporting import DevScore
    from sentir.preprocessing.kinds import attach_required_audio

    require_scoring_plugins(recognizer)
    corpus = read_corpus(recognizer.recipe.data, root)
    require_same_labels(recognizer, corpus)
    corpus = attach_required_audio(corpus, recognizer.recipe.model, splits=("dev",))
    scorer = make_scorer(corpus, "dev", recognizer.recipe)
    metric = resolve_metric(recognizer.space, recognizer.recipe.evaluation.metric)

    def score(model: Recognizer | Ensemble, predictions: Predictions) -> Score:
        return score_model(scorer, name, model, predictions).metrics[metric]

    return [u.blind() for u in corpus.split("dev")], DevScore(metric, score)
