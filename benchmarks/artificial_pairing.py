"""Text and audio together in an ARTIFICIAL PAIRING: utterances of MELD, each with a RAVDESS clip of its emotion.

No free corpus here has real texts and real voices at once, so one is put together: each line of MELD is paired
with a clip of a RAVDESS actor, who says one of two fixed sentences in the line's emotion. Every speaker of a
dialogue has one actor. The splits share neither dialogues nor actors; a clip may serve several utterances of its
split. Given the emotion, words and voice are independent, as they never are in real conversations, so a
multimodal model must win here if it works at all. The scores show whether it does, and say nothing about real
speech.

Train, dev and test are all dialogues of MELD's train split: MELD's own test labels are never opened. The actors
are split as in ``recipes/ravdess.toml``; the clips of its test actors are used here too, but select nothing.

Prints the scores of a text model, an audio model and a multimodal model, those of the multimodal model without
its text or its audio, and paired comparisons. Models that are already trained are not trained again.
"""

import argparse
import csv
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from sentir.corpus.corpus import Corpus
from sentir.corpus.label_spaces import SingleLabelSpace
from sentir.corpus.labels import EMOTIONS, normalize_emotion
from sentir.corpus.utterances import Clip, Dialogue, Utterance, group_dialogues
from sentir.evaluation.locked.ledger import get_labels, open_test
from sentir.evaluation.scorer import Scorer
from sentir.evaluation.scoring import write_results
from sentir.readers.meld import reader as meld
from sentir.recipe import Recipe
from sentir.study.candidates import (
    TrainedModel,
    load_model,
    train_baseline,
    train_candidate,
    with_test_predictions,
)
from sentir.study.plan import plan_candidates
from sentir.study.stages import Stages

NAME = "artificial-pairing"
METRIC = "weighted_f1"
ACTORS = {"train": range(1, 17), "dev": range(17, 21), "test": range(21, 25)}
UTTERANCES = {"train": 1500, "dev": 500, "test": 700}  # whole dialogues of about as many
QUICK = {"train": 200, "dev": 80, "test": 80}
SEED = 0

AUDIO_TRAINING = {
    "epochs": 12,
    "patience": 12,
    "ema_decay": 0.98,
    "batch_size": 32,
    "weight_decay": 0.05,
    "augment": {"masks": 2, "mask_seconds": 0.3, "gain_db": 6.0, "shift_seconds": 0.5, "speed": 0.1},
}
CANDIDATES = {
    "text": {"model": {"context": "dialogue"}},
    "audio": {"model": {"kind": "emotion_model", "features": ["functionals"]}, "train": AUDIO_TRAINING},
    "multimodal": {
        "model": {
            "kind": "multimodal",
            "context": "dialogue",
            "features": ["functionals"],
            "modality_dropout": 0.3,
        },
        "train": AUDIO_TRAINING,
    },
}
RECIPE = {
    "name": NAME,
    "data": {"reader": NAME, "audio": True},
    "model": {
        "layers": [2, 4, 6],
        "layer_pooling": "concat",
        "hidden_size": 128,
        "dropout": 0.5,
        "audio": {"backbone": "mobilenetv3_small_050", "pretrained": False, "max_seconds": 3},
    },
    "train": {"epochs": 20, "batch_size": 256},
    "study": {"candidates": CANDIDATES},
}
ABLATIONS = {"text": {"text": None}, "audio": {"clip": None}}

ClipsByActor = Mapping[tuple[int, str], Sequence[Path]]  # (actor, emotion) → clips


def build_corpus(meld_root: Path, ravdess_root: Path, sizes: Mapping[str, int]) -> Corpus:
    """Build the corpus from consecutive dialogues of MELD's train split."""
    clips, draw = read_clips(ravdess_root), np.random.default_rng(SEED)
    dialogues = iter(group_dialogues(meld.read_tree(meld_root).train))
    rows = [
        u
        for split, size in sizes.items()
        for dialogue in take_dialogues(dialogues, size)
        for u in with_clips(dialogue, split, clips, draw)
    ]
    return Corpus.build(NAME, rows, [SingleLabelSpace("emotion", EMOTIONS)])


def read_clips(root: Path) -> ClipsByActor:
    """Return the clips of RAVDESS; those labeled calm are never drawn, as MELD has no such emotion."""
    clips: dict[tuple[int, str], list[Path]] = {}
    with (root / "manifest.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            actor, emotion = int(row["speaker"].removeprefix("actor")), normalize_emotion(row["label"])
            clips.setdefault((actor, emotion), []).append(root / row["path"])
    return clips


def take_dialogues(dialogues: Iterator[Dialogue], size: int) -> Iterator[Dialogue]:
    """Yield the next dialogues until they hold ``size`` utterances."""
    while size > 0:
        dialogue = next(dialogues)
        size -= len(dialogue.utterances)
        yield dialogue


def with_clips(
    dialogue: Dialogue, split: str, clips: ClipsByActor, draw: np.random.Generator
) -> Iterator[Utterance]:
    """Yield the utterances of a dialogue with clips of their emotions, one actor for each speaker."""
    actors: dict[str | None, int] = {}
    for u in dialogue.utterances:
        actor = actors.setdefault(u.speaker, int(draw.choice(ACTORS[split])))
        takes = clips[actor, u.labels["emotion"][0]]
        yield replace(
            u,
            id=u.id.replace("meld/train", f"{NAME}/{split}"),
            split=split,
            dialogue=dialogue.id.replace("meld/train", f"{NAME}/{split}"),
            clip=Clip(takes[draw.integers(len(takes))]),
            labels={"emotion": u.labels["emotion"]},
            numeric_features={},
        )


def ablate_modality(model: TrainedModel, corpus: Corpus, modality: str) -> TrainedModel:
    """Return a model with its predictions for utterances without their text or their audio."""
    networks = [load_model(folder) for folder in model.stage_folders]
    dev, test = ([replace(u, **ABLATIONS[modality]) for u in corpus.split(split)] for split in ("dev", "test"))
    return replace(
        model,
        name=f"{model.name} without {modality}",
        dev_predictions=tuple(one.predict_utterances(dev) for one in networks),
        test_predictions=tuple(one.predict_utterances(test) for one in networks),
    )


def train_models(recipe: Recipe, corpus: Corpus, stages: Stages) -> list[TrainedModel]:
    """Train the baseline and the candidates, and predict test blind."""
    models = [train_baseline(stages, corpus, "majority", recipe, METRIC)]
    for candidate in plan_candidates(recipe)["emotion"]:
        models.append(with_test_predictions(stages, corpus, train_candidate(stages, corpus, candidate)))
    return models + [ablate_modality(models[-1], corpus, modality) for modality in ABLATIONS]


def run(recipe: Recipe, corpus: Corpus, out: Path) -> None:
    """Train, score on dev, open the labels of the artificial test split once, and print."""
    models = train_models(recipe, corpus, Stages(out / "stages"))
    dev = Scorer(corpus, "dev", get_labels(corpus, "dev"), recipe.evaluation)
    reason = "benchmarks/artificial_pairing.py, an artificial pairing"
    test = Scorer(
        corpus, "test", open_test(corpus, reason=reason, models=[m.name for m in models]), recipe.evaluation
    )
    _majority, text, audio, both, without_text, without_audio = (m.predictions_on("test") for m in models)
    pairs = [(both, text), (both, audio), (without_audio, text), (without_text, audio)]
    comparisons = test.compare(pairs, METRIC)
    scores = [
        (dev.score(m.predictions_on("dev"), m.role), test.score(m.predictions_on("test"), m.role)) for m in models
    ]
    write_results(out / "results.json", [row for both_splits in scores for row in both_splits], comparisons)
    print(f"\n{NAME}: {METRIC} on its test split, 95 % intervals over {comparisons[0].num_clusters} dialogues")
    for comparison in comparisons:
        print(f"  {comparison.sentence()}")
    print(f"\n{'ARTIFICIAL PAIRING':32}{'dev':>6}{'test':>7}")
    for on_dev, on_test in scores:
        value = on_test.metrics[METRIC]
        print(
            f"{on_test.model:32}{on_dev.metrics[METRIC].value:6.3f}{value.value:7.3f} "
            f"[{value.low:.3f}, {value.high:.3f}]"
        )


def parse_arguments(description: str, out: Path) -> tuple[argparse.Namespace, Corpus]:
    """Parse the command line, and build the corpus."""
    data = Path(os.environ.get("SENTIR_SHARED_DATA", "../shared/data"))
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--meld", type=Path, default=data / "meld", help="folder with MELD's CSV files")
    parser.add_argument("--ravdess", type=Path, default=data / "ravdess", help="folder with manifest.csv")
    parser.add_argument("--out", type=Path, default=out)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--quick", action="store_true", help="a tenth of the utterances, as a smoke test")
    given = parser.parse_args()
    return given, build_corpus(given.meld, given.ravdess, QUICK if given.quick else UTTERANCES)


def main() -> None:
    given, corpus = parse_arguments(__doc__.split("\n")[0], Path("runs/pairing"))
    recipe = Recipe.parse(RECIPE).override({"study": {"seeds": given.seeds}})
    run(recipe, corpus, given.out)


if __name__ == "__main__":
    main()
