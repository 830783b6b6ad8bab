"""The speed of predicting audio files, against a loop of librosa and timm, on one core.

Both predict the same clips with the same network, randomly initialized: the loop decodes and resamples each clip
with librosa, takes its mel spectrogram at our settings, pads it to whole seconds, and runs timm's network on it.
Sentir also checks the files, reports problems, notes and confidences, and has two gates in the network. The same
exported to ONNX, and with all acoustic features. Without librosa, Sentir alone is measured.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import soundfile
import torch

from sentir import Recognizer, torchvision_operators  # noqa: F401  (before timm)
from sentir.api import export_model
from sentir.audio.decoding import decode
from sentir.audio.mel import N_MELS, SAMPLING_RATE
from sentir.bench.mel_speed import librosa_power
from sentir.bench.timing import Row, alternate, pin_to_one_core, print_rows
from sentir.corpus.corpus import Corpus
from sentir.corpus.label_spaces import SingleLabelSpace
from sentir.corpus.utterances import Clip, Utterance
from sentir.files.media_files import is_media_file
from sentir.optional_dependencies import is_installed
from sentir.readers import read_corpus
from sentir.recipe import DataSettings, Recipe
from sentir.training.recognizers import fit_recognizer

BACKBONE, LABELS, ROUNDS = "efficientnet_b0", ("a", "b"), 3


def find_clips(folder: Path | None, n: int, out: Path) -> list[Path]:
    """Return n clips of a folder, or of the synthetic corpus, each written to a file of its own."""
    if folder is not None:
        return sorted(filter(is_media_file, folder.rglob("*")))[:n]
    corpus = read_corpus(DataSettings(reader="demo-mosei", audio=True))
    clips = [u.clip for u in corpus if u.clip is not None][:n]
    paths = [out / f"{k}.wav" for k in range(len(clips))]
    for path, clip in zip(paths, clips, strict=True):
        soundfile.write(path, decode(clip).waveform, SAMPLING_RATE)
    return paths


def make_recognizer(clips: list[Path], features: tuple[str, ...]) -> Recognizer:
    """Train a network for one epoch on a few clips with arbitrary labels; its speed does not depend on them."""
    utterances = [
        Utterance(
            f"u{n}", split=split, dialogue=f"{split}{n // 2}", clip=Clip(path), labels={"label": (LABELS[n % 2],)}
        )
        for split, paths in (("train", clips[:4]), ("dev", clips[4:8]))
        for n, path in enumerate(paths, start=4 * (split == "dev"))
    ]
    recipe = Recipe.parse(
        {
            "name": "speed",
            "data": {"reader": "table", "task": "label", "audio": True},
            "model": {
                "kind": "emotion_model",
                "features": list(features),
                "audio": {"backbone": BACKBONE, "pretrained": False},
            },
            "train": {"epochs": 1},
        }
    )
    return fit_recognizer(recipe, Corpus.build("speed", utterances, [SingleLabelSpace("label", LABELS)]))[0]


def predict_with_librosa(clips: list[Path], network: torch.nn.Module) -> np.ndarray:
    """Predict clip by clip, as a short script does."""
    import librosa

    probabilities = []
    with torch.inference_mode():
        for path in clips:
            waveform, _rate = librosa.load(path, sr=SAMPLING_RATE)
            decibels = librosa.power_to_db(librosa_power(waveform)).T
            frames = -(-(len(decibels) - 1) // 100) * 100
            padded = np.zeros((frames, N_MELS), dtype=np.float32)
            padded[: len(decibels)] = ((decibels - decibels.mean()) / decibels.std())[:frames]
            logits = network(torch.from_numpy(padded)[None, None])
            probabilities.append(logits.softmax(-1)[0].numpy())
    return np.stack(probabilities)


def rows(source: Path | None = None, n: int = 200) -> Iterator[Row]:
    """Yield the table."""
    import timm

    network = timm.create_model(BACKBONE, in_chans=1, num_classes=len(LABELS)).eval()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["SENTIR_AUDIO_DIR"] = f"{folder}/store"
        clips = find_clips(source, n, Path(folder))
        plain, acoustic = (make_recognizer(clips, features) for features in ((), ("thesis", "functionals")))
        exported, _report = export_model(plain, Path(folder) / "exported")
        works = {
            "Sentir": lambda: plain.predict(clips),
            "Sentir, exported": lambda: exported.predict(clips),
            "Sentir with acoustic features": lambda: acoustic.predict(clips),
        }
        if is_installed("librosa"):
            works = {"librosa and timm": lambda: predict_with_librosa(clips, network)} | works
        times = alternate(works, ROUNDS)
    yield times.row(f"predicting {len(clips)} clips", "librosa and timm", "Sentir", "at least 1, aim 1.2")
    yield times.row(f"predicting {len(clips)} clips", "librosa and timm", "Sentir, exported", "at least 1.4")
    yield times.row(f"predicting {len(clips)} clips", "librosa and timm", "Sentir with acoustic features")


def main() -> None:
    """Print the table for a folder of clips."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path, nargs="?", help="folder of clips; default: the synthetic corpus")
    parser.add_argument("--clips", type=int, default=200)
    given = parser.parse_args()
    pin_to_one_core()
    print_rows(rows(given.folder, given.clips))


if __name__ == "__main__":
    main()
