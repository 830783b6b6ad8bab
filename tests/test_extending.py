"""The examples of the guide: each passes its contract test, is trained with, and predicts afterwards."""

import json
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from plugin_state import unload_all
from tiny_corpora import spoken_corpus

from sentir import api
from sentir.errors import PluginError
from sentir.readers import READERS
from sentir.recipe import merge_settings
from sentir.recognizer.recognizer import Recognizer
from sentir.testing import make_tiny_speech_backbone, make_tiny_text_backbone

DOCS = Path(__file__).parents[1] / "docs"
MAX_LINES = 40
TINY = {
    "model": {"hidden_size": 16, "dropout": 0.0, "audio": {"max_seconds": 1}},
    "train": {"epochs": 2, "batch_size": 8},
    "evaluation": {"resamples": 100, "permutations": 100},
}
TEXTS = ["I am so happy :)", "They look lonely!", "fine"]
PREDICT = """
import json, sys
from pathlib import Path
from sentir.recognizer.recognizer import Recognizer
for model, plugin, files in json.loads(sys.argv[1]):
    recognizer = Recognizer.from_pretrained(model, plugins=[plugin])
    items = [Path(file) for file in files] or json.loads(sys.argv[2])
    print(json.dumps([list(row.probabilities.values()) for row in recognizer.predict(items)]))
"""


def examples(page: str) -> dict[str, tuple[str, str, str]]:
    """The plug-ins of a page, by file name: its code, its recipe, and its contract test."""
    text = (DOCS / page).read_text(encoding="utf-8")
    found = {}
    for section in text.split("\n## ")[1:]:
        code, recipe, check = re.findall(r"^```\w+\n(.*?)^```$", section, re.DOTALL | re.MULTILINE)
        found[code.splitlines()[0].removeprefix("# ")] = (code, recipe, check)
    return found


EXAMPLES = examples("en/extending.md")


def test_both_languages_have_the_same_short_examples():
    assert examples("es/extending.md") == EXAMPLES and len(EXAMPLES) == 7
    assert all(len(code.splitlines()) < MAX_LINES for code, _recipe, _check in EXAMPLES.values())


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with the plug-ins, the recipes, small chats and tiny weights."""
    folder = tmp_path_factory.mktemp("extending")
    corpus = spoken_corpus(folder / "clips")
    for file, (code, recipe, _check) in EXAMPLES.items():
        (folder / file).write_text(code, encoding="utf-8")
        (folder / file).with_suffix(".toml").write_text(recipe, encoding="utf-8")
    (folder / "chats").mkdir()
    labels = {u.id: u.labels for u in corpus} | corpus.sealed._reveal()[0]
    for split in ("train", "dev", "test"):
        chats = [
            "\n".join(f"{labels[u.id]['emotion'][0]}|{u.speaker}|{u.text}" for u in dialogue.utterances)
            for dialogue in corpus.dialogues.values()
            if dialogue.utterances[0].split == split
        ]
        (folder / "chats" / f"{split}.txt").write_text("\n\n".join(chats), encoding="utf-8")
    make_tiny_text_backbone("minilm", folder / "text", [u.text for u in corpus] + TEXTS)
    make_tiny_speech_backbone("hubert", folder / "speech")
    return folder


@pytest.fixture(autouse=True)
def new_process(folder, monkeypatch):
    """Work in the folder, leave no plug-in loaded, and let the demo corpus be a tiny one."""
    monkeypatch.chdir(folder)
    corpus = spoken_corpus(folder / "clips")
    monkeypatch.setitem(READERS._entries, "demo-meld", lambda root, data: corpus)
    unload_all()
    yield
    unload_all()


@pytest.mark.parametrize("file", EXAMPLES)
def test_an_example_passes_its_contract_test(file):
    exec(compile(EXAMPLES[file][2], file, "exec"), {})


def tiny(tree: dict) -> dict:
    """The settings of a recipe of the page with small networks and weights of this machine."""
    changes = TINY
    if tree["model"]["kind"] != "emotion_model":
        changes = merge_settings(changes, {"model": {"weights": "text"}})
    if tree["model"]["audio"]["backbone"] == "distilhubert":
        changes = merge_settings(changes, {"model": {"audio": {"weights": "speech"}}})
    if tree["model"]["kind"] == "multimodal":
        changes = merge_settings(changes, {"model": {"audio": {"backbone": "test_efficientnet.r160_in1k"}}})
    return changes


@pytest.fixture(scope="module")
def trained(folder):
    """File → the clips that its model predicts, if any, and the probabilities; each is trained once."""

    @cache
    def train(file):
        recipe = api.load_recipe(Path(file).with_suffix(".toml"), allow_plugins=True)
        recipe = recipe.override(tiny(recipe.to_dict()))
        model, _scores = api.train(recipe, out=Path("models") / Path(file).stem)
        (needed,) = model.facts["plugins"]
        assert needed["name"] == file and len(needed["sha256"]) == 64 and len(needed["registers"]) == 1
        files = sorted(map(str, (folder / "clips").glob("*.wav")))[:2] if model.modalities == {"audio"} else []
        rows = model.predict(list(map(Path, files)) or TEXTS)
        unload_all()
        return files, [list(row.probabilities.values()) for row in rows]

    return train


@pytest.mark.parametrize("file", EXAMPLES)
def test_an_example_is_trained_with_and_saved(file, trained):
    _files, rows = trained(file)
    assert np.isfinite(rows).all()


@pytest.mark.slow
def test_a_fresh_process_predicts_the_same(trained):
    jobs = [(str(Path("models") / Path(file).stem), file, trained(file)[0]) for file in EXAMPLES]
    command = [sys.executable, "-c", PREDICT, json.dumps(jobs), json.dumps(TEXTS)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    for line, file in zip(done.stdout.splitlines(), EXAMPLES, strict=True):
        np.testing.assert_allclose(json.loads(line), trained(file)[1], atol=1e-6)


@pytest.mark.parametrize(("file", "name"), [
    ("emoticons.py", "text backbone 'minilm-emoticons'"),
    ("mobilenet.py", "audio backbone 'mobilenet'"),
    ("distilhubert.py", "speech backbone 'distilhubert'"),
    ("product.py", "fusion 'product'"),
    ("pronouns.py", "feature set 'pronouns'"),
])  # fmt: skip
def test_a_model_without_its_plugin_says_which_file_is_missing(file, name, trained):
    trained(file)
    folder = Path("models") / Path(file).stem
    with pytest.raises(
        PluginError, match=rf"{folder}.* needs the {name} of the plug-in {file}; .*--plugin FILE, in"
    ):
        Recognizer.from_pretrained(folder)
    assert Recognizer.from_pretrained(folder, plugins=file).facts["plugins"][0]["name"] == file


@pytest.mark.parametrize(("file", "name"), [("chats.py", "reader 'chats'"), ("gmean.py", "metric 'g_mean'")])
def test_a_reader_and_a_metric_are_needed_only_to_score_a_model(file, name, trained):
    trained(file)
    folder = Path("models") / Path(file).stem
    assert len(Recognizer.from_pretrained(folder).predict(TEXTS)) == len(TEXTS)
    for verb in (
        lambda: api.evaluate(folder),
        lambda: api.compare(folder, folder),
        lambda: api.explain_model(folder),
    ):
        with pytest.raises(PluginError, match=rf"needs the {name} of the plug-in {file}"):
            verb()
    model = Recognizer.from_pretrained(folder, plugins=[file])
    assert next(iter(api.evaluate(model).metrics)) == ("g_mean" if file == "gmean.py" else "weighted_f1")


def test_another_content_of_a_plugin_is_a_warning(folder, tmp_path, trained, caplog):
    trained("pronouns.py")
    caplog.clear()
    model = Path("models") / "pronouns"
    Recognizer.from_pretrained(model, plugins=["pronouns.py"])
    assert not caplog.records
    unload_all()
    changed = tmp_path / "pronouns.py"
    changed.write_text(EXAMPLES["pronouns.py"][0].replace("|our", ""), encoding="utf-8")
    Recognizer.from_pretrained(model, plugins=[changed])
    (record,) = caplog.records
    assert (
        "models/pronouns" in record.getMessage()
        and "another version of the plug-in pronouns.py" in record.getMessage()
    )
