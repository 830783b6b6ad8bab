"""MELD and CMU-MOSEI as datasets attached on Kaggle: a few dialogues of the demo corpora, with humming clips."""

import csv
import io
from itertools import count
from pathlib import Path

import numpy as np
import soundfile

from sentir.demo.script import make_meld_tables, make_mosei_tables

MELD = {
    "train": "train/train_splits",
    "dev": "dev/dev_splits_complete",
    "test": "test/output_repeated_splits_test",
}
MOSEI = {"train": "Train_modified", "val": "Val_modified", "test": "Test_modified"}
NUM_DIALOGUES = {"train": 14, "dev": 6, "val": 6, "test": 4}
SECONDS = 0.4


def attach(folder: Path, *, audio: bool = True) -> Path:
    """Write both datasets below a folder and return it."""
    _write_meld(folder / "meld-dataset", audio)
    _write_mosei(folder / "cmu-mosei", audio)
    return folder


def attach_spectrograms(root: Path) -> None:
    """Write the thesis' spectrograms of MELD below a folder, laid out as in their dataset."""
    for table in sorted(root.rglob("*_sent_emo.csv")):
        split = table.name.partition("_")[0]
        folder = root / "spectrograms" / "final_specs" / f"meld_{split}"
        folder.mkdir(parents=True)
        with table.open(newline="", encoding="utf-8") as file:
            for n, row in enumerate(csv.DictReader(file)):
                spectrogram = np.random.default_rng(n).uniform(-80, 0, (224, 224)).astype(np.float32)
                np.save(folder / f"dia{row['Dialogue_ID']}_utt{row['Utterance_ID']}.npy", spectrogram)


def _write_meld(root: Path, audio: bool) -> None:
    for name, content in make_meld_tables().items():
        split = Path(name).name.partition("_")[0]
        rows = _write_dialogues(root / name, content, "Dialogue_ID", NUM_DIALOGUES[split])
        for n, row in zip(count(), rows if audio else (), strict=False):
            clip = f"dia{row['Dialogue_ID']}_utt{row['Utterance_ID']}.wav"
            _write_hum(root / "MELD-RAW/MELD.Raw" / MELD[split] / clip, n)


def _write_mosei(root: Path, audio: bool) -> None:
    for name, content in make_mosei_tables().items():
        split = Path(name).name.split("_")[1].lower()
        rows = _write_dialogues(root / name, content, "video", NUM_DIALOGUES[split])
        for n, row in zip(count(), rows if audio else (), strict=False):
            times = "_".join(f"{float(row[key]):.4f}" for key in ("start_time", "end_time"))
            _write_hum(root / "Audio_chunk" / MOSEI[split] / f"{row['video']}_{times}.wav", n)


def _write_dialogues(path: Path, content: bytes, key: str, n: int) -> list[dict[str, str]]:
    """Write the rows of the first ``n`` dialogues of a table, and return them."""
    rows = list(csv.DictReader(io.StringIO(content.decode(), newline="")))
    dialogues = list(dict.fromkeys(row[key] for row in rows))[:n]
    rows = [row for row in rows if row[key] in dialogues]
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, rows[0])
        table.writeheader()
        table.writerows(rows)
    return rows


def _write_hum(path: Path, n: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    times = np.arange(int(SECONDS * 16_000)) / 16_000
    noise = np.random.default_rng(n).normal(0, 0.01, len(times))
    soundfile.write(path, 0.3 * np.sin(2 * np.pi * (150 + 40 * (n % 9)) * times) + noise, 16_000)
