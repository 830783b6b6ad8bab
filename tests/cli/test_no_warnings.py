"""The command line shows no warnings of other packages: here each would stop the command."""

import csv
import json
import os
import subprocess
import sys
from textwrap import dedent

import numpy as np
import pytest
from audio_files import tone, write_wav

pytestmark = pytest.mark.slow
LONG = ("a label " + "that goes on and on " * 9, "another " + "that does so too " * 9)
TURNS = {"train": 8, "dev": 4, "test": 4}


def corpus_in(folder, labels, *, dev=None, text="I am {}", audio=False):
    """Write a table, its clips and its recipe; every second clip is silent."""
    folder.mkdir()
    with (folder / "t.csv").open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(["id", "split", "dialogue", "text", "label", "audio"])
        for split, count in TURNS.items():
            for n in range(2 * count):
                known = dev if dev and split == "dev" else labels
                label = known[n % len(known)]
                row = [f"{split}{n}", split, f"{split}{n // 2}", "" if audio else text.format(label[:9]), label]
                table.writerow([*row, f"{split}{n}.wav" if audio else ""])
                if audio:
                    silence = np.zeros(9000, dtype=np.float32)
                    write_wav(folder / f"{split}{n}.wav", silence if n % 2 else 0.1 * tone(0.6, 300), 16_000)
    return folder


def recipe_of(folder, model, audio=False):
    source = 'audio = "audio"' if audio else 'text = "text"'
    (folder / "r.toml").write_text(
        dedent(f"""
        [data]
        reader = "table"
        task = "label"
        audio = {str(audio).lower()}
        [data.table]
        file = "t.csv"
        id = "id"
        split = "split"
        dialogue = "dialogue"
        label = "label"
        {source}
        [train]
        epochs = 1
        batch_size = 8
        [evaluation]
        resamples = 100
        permutations = 100
        """)
        + model,
        encoding="utf-8",
    )
    return folder / "r.toml"


CODE = """
import json, sys
from sentir.cli import main

for sys.argv in json.loads(sys.argv[1]):
    try:
        main()
    except SystemExit as end:
        print("ended with", end.code or 0)
"""


def run(folder, *commands):
    """Run commands one after the other, in one process as each would import the same; return how they ended."""
    strict = ["-W", "error", "-W", "ignore::DeprecationWarning"]
    arguments = json.dumps([["sentir", *map(str, command)] for command in commands])
    process = [sys.executable, *strict, "-c", CODE, arguments]
    done = subprocess.run(process, capture_output=True, text=True, cwd=folder, env=dict(os.environ))
    assert "Warning" not in done.stderr and "Traceback" not in done.stderr, done.stderr[-2000:]
    return [int(line.split()[-1]) for line in done.stdout.splitlines() if line.startswith("ended with")]


@pytest.mark.parametrize(
    "shape",
    [
        {"labels": [*LONG, "喜び" * 20, "悲しみ"]},
        {"labels": ["joy", "sadness"], "dev": ["joy"], "text": "ok"},
        {"labels": ["joy", "sadness"], "audio": True},
    ],
    ids=["long and non-Latin labels", "equal texts, one label in dev", "silence"],
)
def test_no_warning_reaches_the_terminal(shape, weights, tmp_path):
    folder = corpus_in(tmp_path / "corpus", **shape)
    audio = shape.get("audio", False)
    text_model = (
        f'[model]\nbackbone = "roberta-base"\nweights = "{weights}"\nhidden_size = 8\nfeatures = ["lexical"]\n'
    )
    audio_model = (
        '[model]\nkind = "emotion_model"\nfeatures = ["functionals"]\n[model.audio]\npretrained = false\n'
    )
    audio_model += 'backbone = "test_efficientnet.r160_in1k"\n'
    recipe = recipe_of(folder, audio_model if audio else text_model, audio)
    inputs = [folder / "train0.wav"] if audio else ["--text", "I am happy"]
    audited, *ended = run(
        folder,
        ("corpus", "audit", recipe, "--root", folder, "--html", folder / "audit.html"),
        ("train", recipe, "--root", folder, "--out", folder / "model"),
        ("evaluate", folder / "model", "--root", folder, "--analyze"),
        ("predict", folder / "model", *inputs),
    )
    assert audited < 2 and ended == [0, 0, 0]
