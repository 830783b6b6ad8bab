"""Try a folder of small awkward inputs, and print the expected and the actual result of each.

The folder contains recordings, tables and recipes that occurred in practice, such as ``truncated.wav`` or
``trailcomma.csv``; cases whose file is missing are skipped. The exit code is 1 if a case fails.
"""

from __future__ import annotations

import argparse
import csv
import os
import shutil
import subprocess
import sys
import tempfile
import unicodedata
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import soundfile

from sentir import api
from sentir.audio.decoding import decode
from sentir.audit import audit
from sentir.corpus.utterances import Clip
from sentir.errors import AudioError, SentirError
from sentir.files.tables import load_rows
from sentir.readers import read_corpus
from sentir.recipe import DataSettings, Recipe
from sentir.table_inspection.inspection import inspect_table

SMALL = {"hidden_size": 16, "audio": {"backbone": "mobilenetv3_small_050", "pretrained": False, "max_seconds": 2}}
LABEL_WORDS = {"joy": "happy glad", "anger": "furious hate", "sadness": "crying lonely"}
Case = tuple[str, str, Callable[[], object]]


def main() -> None:
    """Try every case."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path, help="folder of the inputs")
    given = parser.parse_args()
    num_failed = 0
    with tempfile.TemporaryDirectory() as folder:
        os.environ |= {"SENTIR_STATE_DIR": f"{folder}/state", "SENTIR_CACHE_DIR": f"{folder}/cache"}
        shutil.copytree(given.folder, inputs := Path(folder) / "cases")
        for path in (inputs, *inputs.rglob("*")):  # copied files may be read-only
            path.chmod(path.stat().st_mode | 0o600)
        for name, expected, observe in cases(inputs, Path(folder)):
            if not (inputs / name.split()[0]).exists():
                continue
            try:
                result = observe()
            except SentirError as error:
                result = f"error: {error}"
            ok = isinstance(result, str) and result.startswith("+")
            num_failed += not ok
            print(f"{'ok ' if ok else 'NOT'} {name} | {expected} | {str(result).lstrip('+')[:160]}", flush=True)
    sys.exit(num_failed > 0)


def cases(inputs: Path, work: Path) -> Iterator[Case]:
    """Yield a name that starts with that of a file, the expected result, and a function that observes the result.

    The function returns a description of the result, which starts with ``+`` if it is as expected.
    """
    yield from audio_cases(inputs)
    yield from table_cases(inputs)
    yield from corpus_cases(inputs)
    yield from prediction_cases(inputs, work)


def audio_cases(inputs: Path) -> Iterator[Case]:
    """Yield the cases of recordings."""

    def seconds(name: str, expected: float) -> Callable[[], str]:
        def observe() -> str:
            waveforms = [decode(Clip(inputs / name)).waveform for _time in range(2)]
            duration, equal = len(waveforms[0]) / 16_000, np.array_equal(*waveforms)
            return f"{'+' * (abs(duration - expected) < 0.03 and equal)}{duration:.2f} s, equal twice: {equal}"

        return observe

    def noted(name: str, word: str) -> Callable[[], str]:
        def observe() -> str:
            decoded = decode(Clip(inputs / name))
            notes = " ".join(note.text for note in decoded.notes)
            return f"{'+' * (word in notes)}{len(decoded.waveform) / 16_000:.2f} s; {notes}"

        return observe

    def refused() -> str:
        try:
            decode(Clip(inputs / "float_spike_1e25.wav"))
        except AudioError as error:
            return f"+{error}"
        return "decoded"

    yield "opus_ffmpeg_cut_short.opus", "3.70 s", seconds("opus_ffmpeg_cut_short.opus", 3.70)
    for name, length in (("mp3_vbr_in_wav_too_long.wav", 3.63), ("mp3_vbr_in_wav_2.wav", 3.60)):
        yield name, f"{length} s, equal in every run", seconds(name, length)
    yield "chained_two_links.ogg", "8.39 s, or listed", seconds("chained_two_links.ogg", 8.39)
    for name in ("second_track_is_default.mkv", "two_speech_tracks.mkv"):
        yield name, "the default track, and a note", noted(name, "track")
    for name in ("truncated.wav", "truncated_faststart.mp4"):
        yield name, "the rest is used, and a note", noted(name, "ends after")
    yield "float_spike_1e25.wav", "an error with its name", refused


def table_cases(inputs: Path) -> Iterator[Case]:
    """Yield the cases of tables."""

    def quotes() -> str:
        rows = load_rows(inputs / "tsv_bare_quotes.tsv")
        return f"{'+' * (len(rows) == 12)}{len(rows)} rows"

    def labels(name: str) -> Callable[[], str]:
        def observe() -> str:
            columns = inspect_table(inputs / name).settings.get("labels")
            return f"{'+' * (columns is not None and 'anger' in columns)}labels = {columns}"

        return observe

    def no_question() -> str:
        inspection = inspect_table(inputs / "zwlabel.csv")
        remarks = " ".join([*inspection.warnings, *inspection.questions.values()])
        label = inspection.settings.get("label")
        return f"{'+' * ('names' not in inspection.questions)}label = {label}; {remarks}"

    def trailing() -> str:
        columns = list(load_rows(inputs / "trailcomma.csv")[0])
        return f"{'+' * (columns == ['text', 'emotion', 'split'])}{columns}"

    def paths() -> str:
        clips = inputs / "clips"
        clips.mkdir()
        for stem in (unicodedata.normalize("NFD", "niño"), "a"):
            soundfile.write(clips / f"{stem}.ogg", np.sin(np.arange(16_000) / 9), 16_000)
        given = {"file": "paths.csv", "audio": "audio", "label": "emotion", "split": "split"}
        corpus = read_corpus(DataSettings(reader="table", audio=True, table=given), inputs)
        missing = [issue.message for issue in corpus.issues if issue.kind == "audio_file_missing"]
        return f"{'+' * (not missing)}{[u.clip.path.is_file() for u in corpus]} {missing}"

    yield "tsv_bare_quotes.tsv", "12 rows, or an error", quotes
    yield "commadec.csv", "intensities", labels("commadec.csv")
    yield "yesno.csv", "flags", labels("yesno.csv")
    yield "zwlabel.csv", "the same label", no_question
    yield "trailcomma.csv", "unnamed columns ignored", trailing
    yield "paths.csv", "clips are found", paths


def corpus_cases(inputs: Path) -> Iterator[Case]:
    """Yield the cases of corpora."""

    def shuffled() -> str:
        corpus = read_corpus(DataSettings(reader="meld"), inputs / "meld_shuffled")
        numbers = [[int(u.id.rpartition("utt")[2]) for u in one.utterances] for one in corpus.dialogues.values()]
        notes = [issue.message for issue in corpus.issues if issue.kind == "rows_reordered"]
        return f"{'+' * (bool(notes) and all(row == sorted(row) for row in numbers))}{notes}"

    def one_class() -> str:
        recipe = Recipe.load(inputs / "one_class.toml")
        report = audit(read_corpus(recipe.data))
        problems = [one.message for one in report.findings if one.severity == "problem"]
        try:
            api.train(recipe, out=inputs / "never")
        except SentirError as error:
            return f"{'+' * bool(problems)}grade {report.grade}; {problems}; no training: {error}"
        return "trained"

    def marked() -> str:
        return f"+{Recipe.load(inputs / 'recipe_with_bom.toml').data.reader}"

    yield "meld_shuffled", "turns by Utterance_ID, and a note", shuffled
    yield "one_class.csv", "a problem; no training", one_class
    yield "recipe_with_bom.toml", "read", marked


def prediction_cases(inputs: Path, work: Path) -> Iterator[Case]:
    """Yield the cases of predictions, by small models that are trained in ``work``."""

    text = train_small_model(work / "text", {"kind": "hybrid_transformer"})
    both = train_small_model(work / "both", {"kind": "multimodal", "modality_dropout": 0.3})

    def reported() -> str:
        rows = api.predict(both, inputs / "text_and_missing_clip.csv")
        remarked = [bool(row.problem or row.notes) for row in rows]
        return (
            f"{'+' * (remarked[0] and remarked[2] and remarked[3])}{[row.problem or row.notes for row in rows]}"
        )

    def invisible() -> str:
        rows = api.predict(text, inputs / "invisible_texts.csv")
        return f"{'+' * all(row.problem for row in rows)}{len(rows)} rows: {rows[0].problem}"

    def in_place() -> str:
        path = inputs / "predict_in_place.csv"
        before = path.read_bytes()
        code, printed = run_sentir("predict", text, path, "--out", path)
        return f"{'+' * (code == 2 and path.read_bytes() == before)}{printed}"

    def columns_kept() -> str:
        out = work / "out.csv"
        run_sentir("predict", text, inputs / "predict_in_place.csv", "--out", out)
        with out.open(encoding="utf-8", newline="") as file:
            columns = list(csv.DictReader(file).fieldnames or ())
        return f"{'+' * ({'text', 'emotion'} <= set(columns))}{columns}"

    def encoding(name: str, *flags: str) -> Callable[[], str]:
        def observe() -> str:
            code, printed = run_sentir("predict", text, "--text", "hola 😀", *flags, PYTHONIOENCODING=name)
            return f"{'+' * (code == 0 and 'Traceback' not in printed)}{printed}"

        return observe

    def full_disk() -> str:
        out = work / "kept.csv"
        out.write_text("old\n", encoding="utf-8")
        table = work / "many.csv"
        table.write_text("text\n" + "hello there\n" * 2_000, encoding="utf-8")
        code, printed = run_sentir("predict", text, table, "--out", out, limit=16)
        unchanged = out.read_text(encoding="utf-8") == "old\n"
        ok = code == 2 and unchanged and "kept.csv" in printed
        return f"{'+' * ok}existing file unchanged: {unchanged}; {printed}"

    yield "text_and_missing_clip.csv", "the row has a problem or a note", reported
    yield "invisible_texts.csv", "as empty texts", invisible
    yield "predict_in_place.csv", "an error", in_place
    yield "predict_in_place.csv elsewhere", "the user's columns are kept", columns_kept
    yield ". latin-1", "replacement characters", encoding("latin-1")
    yield ". ascii, --json", "escapes", encoding("ascii", "--json")
    yield ". no room for --out", "an error that names the file, which is unchanged", full_disk


def train_small_model(folder: Path, model: dict[str, object]) -> Path:
    """Train a small model on texts with a keyword and clips with a tone for each label, and return its folder."""
    folder.mkdir()
    with (folder / "table.csv").open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow(["text", "audio", "emotion", "split"])
        for n in range(60):
            label = sorted(LABEL_WORDS)[n % 3]
            word = LABEL_WORDS[label].split()[n // 3 % 2]
            soundfile.write(folder / f"{n}.wav", 0.1 * np.sin(np.arange(16_000) * (0.1 + n % 3 / 5)), 16_000)
            split = ("train", "train", "dev", "test")[n % 4]
            table.writerow([f"I am {word} {n}", f"{n}.wav", label, split])
    recipe = {
        "name": "case",
        "data": {
            "reader": "table",
            "audio": model["kind"] == "multimodal",
            "table": {
                "file": "table.csv", "text": "text", "audio": "audio", "label": "emotion", "split": "split",
            },
        },
        "model": SMALL | model,
        "train": {"epochs": 2, "batch_size": 8},
        "evaluation": {"resamples": 100, "permutations": 100},
    }  # fmt: skip
    api.train(Recipe.parse(recipe), root=folder, out=folder / "model")
    return folder / "model"


def run_sentir(*arguments: object, limit: int | None = None, **variables: str) -> tuple[int, str]:
    """Run the command line; ``limit`` is the maximum file size in KiB, which simulates a full disk."""
    command = [sys.executable, "-c", "from sentir.cli import main; main()", *map(str, arguments)]
    if limit is not None:
        command = ["bash", "-c", f'trap "" XFSZ; ulimit -f {limit}; exec "$@"', "bash", *command]
    done = subprocess.run(command, capture_output=True, env=os.environ | variables, check=False)
    return done.returncode, (done.stdout + done.stderr).decode("utf-8", "replace").strip().replace("\n", " ")


if __name__ == "__main__":
    main()
