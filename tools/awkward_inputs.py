"""Try a folder of small awkward inputs, and print what is right beside what comes.

The folder holds recordings, tables and recipes that people met in the wild, such as ``truncated.wav`` or
``trailcomma.csv``; a case whose file is not there is passed over. The exit code is 1 if a case is not right.
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
    parser.add_argument("folder", type=Path, help="where the inputs lie")
    given = parser.parse_args()
    wrong = 0
    with tempfile.TemporaryDirectory() as place:
        os.environ |= {"SENTIR_STATE_DIR": f"{place}/state", "SENTIR_CACHE_DIR": f"{place}/cache"}
        shutil.copytree(given.folder, inputs := Path(place) / "cases")
        for path in (inputs, *inputs.rglob("*")):  # what was copied may be read only
            path.chmod(path.stat().st_mode | 0o600)
        for name, right, observe in cases(inputs, Path(place)):
            if not (inputs / name.split()[0]).exists():
                continue
            try:
                found = observe()
            except SentirError as error:
                found = f"refused: {error}"
            ok = found is True or (isinstance(found, str) and found.startswith("+"))
            wrong += not ok
            print(f"{'ok ' if ok else 'NOT'} {name} | {right} | {str(found).lstrip('+')[:160]}", flush=True)
    sys.exit(wrong > 0)


def cases(inputs: Path, place: Path) -> Iterator[Case]:
    """Yield a name, which begins with a file's, what is right, and what looks whether it is so.

    What looks returns what was seen, after a ``+`` if it is right.
    """
    yield from audio_cases(inputs)
    yield from table_cases(inputs)
    yield from corpus_cases(inputs)
    yield from prediction_cases(inputs, place)


def audio_cases(inputs: Path) -> Iterator[Case]:
    """Yield the recordings."""

    def seconds(name: str, wanted: float) -> Callable[[], str]:
        def observe() -> str:
            waves = [decode(Clip(inputs / name)).waveform for _time in range(2)]
            found = len(waves[0]) / 16_000
            good = abs(found - wanted) < 0.03 and np.array_equal(*waves)
            return f"{'+' * good}{found:.2f} s, twice the same: {np.array_equal(*waves)}"

        return observe

    def noted(name: str, word: str) -> Callable[[], str]:
        def observe() -> str:
            found = decode(Clip(inputs / name))
            told = " ".join(note.text for note in found.notes)
            return f"{'+' * (word in told)}{len(found.waveform) / 16_000:.2f} s; {told}"

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
        yield name, "what remains is used and listed", noted(name, "ends after")
    yield "float_spike_1e25.wav", "refused by name", refused


def table_cases(inputs: Path) -> Iterator[Case]:
    """Yield the tables."""

    def quotes() -> str:
        rows = load_rows(inputs / "tsv_bare_quotes.tsv")
        return f"{'+' * (len(rows) == 12)}{len(rows)} rows"

    def labels(name: str) -> Callable[[], str]:
        def observe() -> str:
            found = inspect_table(inputs / name).settings.get("labels")
            return f"{'+' * (found is not None and 'anger' in found)}labels = {found}"

        return observe

    def no_question() -> str:
        seen = inspect_table(inputs / "zwlabel.csv")
        doubts = " ".join([*seen.warnings, *seen.questions.values()])
        return f"{'+' * ('names' not in seen.questions)}label = {seen.settings.get('label')}; {doubts}"

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

    yield "tsv_bare_quotes.tsv", "12 rows, or refused", quotes
    yield "commadec.csv", "intensities", labels("commadec.csv")
    yield "yesno.csv", "flags", labels("yesno.csv")
    yield "zwlabel.csv", "the same label", no_question
    yield "trailcomma.csv", "unnamed columns ignored", trailing
    yield "paths.csv", "found", paths


def corpus_cases(inputs: Path) -> Iterator[Case]:
    """Yield what is read as a corpus."""

    def shuffled() -> str:
        corpus = read_corpus(DataSettings(reader="meld"), inputs / "meld_shuffled")
        numbers = [[int(u.id.rpartition("utt")[2]) for u in one.utterances] for one in corpus.dialogues.values()]
        notes = [issue.message for issue in corpus.issues if issue.kind == "rows_reordered"]
        return f"{'+' * (bool(notes) and all(row == sorted(row) for row in numbers))}{notes}"

    def one_class() -> str:
        recipe = Recipe.load(inputs / "one_class.toml")
        found = audit(read_corpus(recipe.data))
        problems = [one.message for one in found.findings if one.severity == "problem"]
        try:
            api.train(recipe, out=inputs / "never")
        except SentirError as error:
            return f"{'+' * bool(problems)}grade {found.grade}; {problems}; training refused: {error}"
        return "trained"

    def marked() -> str:
        return f"+{Recipe.load(inputs / 'recipe_with_bom.toml').data.reader}"

    yield "meld_shuffled", "turns by Utterance_ID, and a note", shuffled
    yield "one_class.csv", "a problem; training refused", one_class
    yield "recipe_with_bom.toml", "read", marked


def prediction_cases(inputs: Path, place: Path) -> Iterator[Case]:
    """Yield what is predicted, by small models that are trained in ``place``."""

    text = train_small_model(place / "text", {"kind": "hybrid_transformer"})
    both = train_small_model(place / "both", {"kind": "multimodal", "modality_dropout": 0.3})

    def row_says() -> str:
        rows = api.predict(both, files=inputs / "text_and_missing_clip.csv")
        told = [bool(row.problem or row.notes) for row in rows]
        return f"{'+' * (told[0] and told[2] and told[3])}{[row.problem or row.notes for row in rows]}"

    def invisible() -> str:
        rows = api.predict(text, files=inputs / "invisible_texts.csv")
        return f"{'+' * all(row.problem for row in rows)}{len(rows)} rows: {rows[0].problem}"

    def in_place() -> str:
        path = inputs / "predict_in_place.csv"
        before = path.read_bytes()
        code, said = run_sentir("predict", text, path, "--out", path)
        return f"{'+' * (code == 2 and path.read_bytes() == before)}{said}"

    def columns_kept() -> str:
        out = place / "out.csv"
        run_sentir("predict", text, inputs / "predict_in_place.csv", "--out", out)
        with out.open(encoding="utf-8", newline="") as file:
            columns = list(csv.DictReader(file).fieldnames or ())
        return f"{'+' * ({'text', 'emotion'} <= set(columns))}{columns}"

    def encoding(name: str, *flags: str) -> Callable[[], str]:
        def observe() -> str:
            code, said = run_sentir("predict", text, "--text", "hola 😀", *flags, PYTHONIOENCODING=name)
            return f"{'+' * (code == 0 and 'Traceback' not in said)}{said}"

        return observe

    def full_disk() -> str:
        out = place / "kept.csv"
        out.write_text("old\n", encoding="utf-8")
        table = place / "many.csv"
        table.write_text("text\n" + "hello there\n" * 2_000, encoding="utf-8")
        code, said = run_sentir("predict", text, table, "--out", out, limit=16)
        kept = out.read_text(encoding="utf-8") == "old\n"
        return f"{'+' * (code == 2 and kept and 'kept.csv' in said)}older file kept: {kept}; {said}"

    yield "text_and_missing_clip.csv", "the row itself says it", row_says
    yield "invisible_texts.csv", "as empty texts", invisible
    yield "predict_in_place.csv", "refused", in_place
    yield "predict_in_place.csv elsewhere", "the user's columns are kept", columns_kept
    yield ". latin-1", "replacement characters", encoding("latin-1")
    yield ". ascii, --json", "escapes", encoding("ascii", "--json")
    yield ". no room for --out", "the older file is kept and named", full_disk


def train_small_model(folder: Path, model: dict[str, object]) -> Path:
    """Train a small model on words that tell the label, each with a tone, and return its folder."""
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
    """Call the command line; ``limit`` is the most KiB that a file may have, which stands for a full disk."""
    command = [sys.executable, "-c", "from sentir.cli import main; main()", *map(str, arguments)]
    if limit is not None:
        command = ["bash", "-c", f'trap "" XFSZ; ulimit -f {limit}; exec "$@"', "bash", *command]
    done = subprocess.run(command, capture_output=True, env=os.environ | variables, check=False)
    return done.returncode, (done.stdout + done.stderr).decode("utf-8", "replace").strip().replace("\n", " ")


if __name__ == "__main__":
    main()
