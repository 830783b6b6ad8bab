"""Every example of the page on prediction runs, in both languages."""

import re
import shlex
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from audio_files import tone, write_wav
from tiny_corpora import spoken_recipe

from sentir.cli import main
from sentir.training.recognizers import fit_recognizer

DOCS = Path(__file__).parents[1] / "docs"
PAGES = ("en/predicting.md", "es/predicting.md")


def blocks(page, language):
    text = (DOCS / page).read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)


def test_both_languages_have_the_same_examples():
    assert all(blocks(PAGES[0], kind) == blocks(PAGES[1], kind) for kind in ("python", "sh"))


@pytest.fixture(scope="module")
def folder(spoken, weights, tmp_path_factory):
    """A folder with the model and the files that the page names."""
    folder = tmp_path_factory.mktemp("predicting")
    settings = {"model": {"kind": "multimodal", "modality_dropout": 0.1, "context": "dialogue"}}
    fit_recognizer(spoken_recipe(weights, **settings), spoken)[0].save_pretrained(folder / "models" / "mine")
    write_wav(folder / "clip.wav", tone(1.2), 16_000)
    pd.DataFrame({"comment": ["I am happy.", "They look fine!"]}).to_csv(folder / "talks.csv", index=False)
    return folder


@pytest.mark.usefixtures("one_store")
def test_the_python_examples_run(folder, monkeypatch):
    monkeypatch.chdir(folder)
    names = {}
    for block in blocks(PAGES[0], "python"):
        exec(compile(block, PAGES[0], "exec"), names)
    assert names["prediction"].label in names["prediction"].probabilities
    assert names["clip"].probabilities == names["same"].probabilities and not names["noise"].problem
    assert names["both"].modalities == ("text", "audio") and [row.problem for row in names["several"]] == [""] * 3
    assert len(names["talk"]) == 3 and len(names["frame"]) == len(pd.read_csv("labeled.csv")) == 2
    assert names["vectors"].shape[0] == 2 and len(names["best"]) == 2


@pytest.mark.usefixtures("one_store")
@pytest.mark.parametrize("command", blocks(PAGES[0], "sh")[0].splitlines())
def test_the_commands_run(command, folder, monkeypatch):
    monkeypatch.chdir(folder)
    monkeypatch.setattr(sys, "argv", shlex.split(command))
    with pytest.raises(SystemExit) as ended:
        main()
    assert not ended.value.code
    if "embed" in command:
        assert np.isfinite(np.load("vectors.npy")).all()
