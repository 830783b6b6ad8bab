"""The commands and the code of the guide run, page after page, on small corpora in the place of the real ones."""

import shlex

import numpy as np
import pytest
from audio_files import tone, write_wav
from guide_pages import ROOT, blocks, commands
from guide_runs import EXECUTED, NOT_EXECUTED
from running import sentir
from tiny_corpora import spoken_recipe
from tiny_trees import attach

from sentir.training.recognizers import fit_recognizer

pytestmark = pytest.mark.slow
REPORTING = {"audit", "prepare", "doctor"}
"""Commands whose exit code is 1 where they find problems."""
SMALL = {
    "train": ["--set", "train.epochs=2"],
    "tune": ["--trials", "2", "--set", "train.epochs=1"],
    "study": ["--set", "train.epochs=1", "--set", "study.test=false", "--accept-grade"],
}
NAMES = {
    "dev/dia66/utt3": "dev/dia2/utt1",
    "models/text": "models/mine",
    "models/other": "models/mine",
    "--open": "",
    "trials=20": "trials=2",
}
"""What the examples name → what is here in its place."""
MINE = """
[data]
reader = "meld"
[train]
epochs = 1
[tune.space]
"train.lr" = { low = 1e-4, high = 1e-2, log = true }
"""
TALKS = ["I am so happy today!", "This is a sad day.", "Leave me alone!", "That is fine with me."]
LABELS = ["joy", "sadness", "anger", "neutral"]


@pytest.fixture(scope="module")
def folder(spoken, weights, tmp_path_factory):
    """A folder with all that the pages name: corpora, tables, recordings."""
    folder = tmp_path_factory.mktemp("guide")
    attach(folder / "DATA")
    (folder / "DATA" / "meld-dataset").rename(folder / "DATA" / "meld")
    (folder / "DATA" / "cmu-mosei").rename(folder / "DATA" / "mosei")
    (folder / "DOWNLOADS").mkdir()
    (folder / "DOWNLOADS" / "meld").symlink_to(folder / "DATA" / "meld")
    (folder / "recipes").symlink_to(ROOT / "recipes")
    rows = [f"{n},{TALKS[n % 4]} {n},{LABELS[n % 4]}" for n in range(120)]
    (folder / "talks.csv").write_text("\n".join(["id,comment,emotion", *rows]) + "\n", encoding="utf-8")
    pause = np.zeros(12_000, np.float32)
    write_wav(folder / "talk.wav", np.concatenate([pause, 0.5 * tone(2.0), pause]), 16_000)
    write_wav(folder / "clip.wav", tone(1.2), 16_000)
    settings = {"model": {"kind": "multimodal", "modality_dropout": 0.1, "context": "dialogue"}}
    fit_recognizer(spoken_recipe(weights, **settings), spoken)[0].save_pretrained(folder / "models" / "voice")
    (folder / "mine.toml").write_text(MINE, encoding="utf-8")
    (folder / "chat.txt").write_text("Ana: I lost my keys.\nBen: Oh no!\n", encoding="utf-8")
    (folder / "talk.srt").write_text(_subtitles(), encoding="utf-8")
    return folder


def _subtitles():
    """The file that the tutorial on recordings shows."""
    (text,) = [one.text for one in blocks("en") if (one.page, one.language) == ("recording", "text")]
    return text


def is_run(page, line):
    """Whether a line or a block is run here."""
    return not any(line.startswith(start) for start in NOT_EXECUTED.get(page, {}))


def adapt(text):
    """Replace what is not here."""
    for name, here in NAMES.items():
        text = text.replace(name, here)
    return text


def run_line(line):
    """Run a command line."""
    program, *arguments = shlex.split(line, comments=True)
    assert program == "sentir", line
    done = sentir(*arguments, *SMALL.get(arguments[0], ()))
    allowed = {0, 1} if REPORTING & set(arguments[:2]) else {0}
    assert done.returncode in allowed, (line, done.stdout[-500:], done.stderr)


@pytest.mark.usefixtures("one_store")
@pytest.mark.parametrize("page", EXECUTED)
def test_a_page_runs(page, folder, monkeypatch):
    monkeypatch.chdir(folder)
    (folder / "talks.toml").unlink(missing_ok=True)  # several pages write it
    names = {}
    for block in [one for one in blocks("en") if one.page == page]:
        if block.language in ("python", "py") and is_run(page, block.text):
            exec(compile(adapt(block.text), page, "exec"), names)
        elif block.language in ("sh", "bash", "") and any("sentir " in line for line in commands(block)):
            for line in commands(block):
                if is_run(page, line):
                    run_line(adapt(line))
