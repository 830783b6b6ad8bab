"""`Recognizer`: saving, loading, predictions for any input, and errors of damaged folders."""

import json
import random
import shutil
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from tiny_corpora import tiny_recipe

from sentir.errors import RecognizerError, SentirError, WeightsError
from sentir.recognizer import torch_saving
from sentir.recognizer.recognizer import Recognizer
from sentir.recognizer.saved_files import check_output_folder
from sentir.testing import make_tiny_text_backbone
from sentir.training.recognizers import fit_recognizer

SETUPS = {
    "frozen": {},
    "features": {"model": {"features": ["lexical", "dialogue", "tabular"]}},
    "multi-label": {"data": {"task": "feelings"}, "model": {"layer_pooling": "concat"}},
    "window": {"model": {"context": "window", "layers": [-1, 1]}},
    "dialogue": {"model": {"context": "dialogue"}},
    "speakers": {"model": {"context": "dialogue", "dialogue": {"speakers": True}}},
    "bidirectional window": {"model": {"context": "window", "window_right": 1, "window_separators": True}},
    "fine-tuned": {"model": {"encoder": "finetune"}, "data": {"task": "feelings"}},
    "fine-tuned dialogue": {"model": {"encoder": "finetune", "context": "dialogue", "features": ["lexical"]}},
    "random": {"model": {"encoder": "finetune", "pretrained": False}},
}


@pytest.fixture(scope="module")
def trained(corpus, weights):
    """Setup → recognizer, each trained once."""
    recognizers = {}

    def get(setup):
        if setup not in recognizers:
            recognizers[setup] = fit_recognizer(tiny_recipe(weights, **SETUPS[setup]), corpus)[0]
        return recognizers[setup]

    return get


@pytest.fixture
def saved(trained, tmp_path):
    """The folder of a recognizer with a frozen encoder."""
    trained("frozen").save_pretrained(tmp_path / "saved")
    return tmp_path / "saved"


def assert_same(one, other, corpus):
    first, second = one.predict_utterances(corpus.test), other.predict_utterances(corpus.test)
    np.testing.assert_allclose(first.probabilities, second.probabilities, atol=1e-6)
    assert first.ids == second.ids and first.label_space == second.label_space
    assert one.labels(first) == other.labels(second)


@pytest.mark.parametrize("setup", SETUPS)
def test_saved_and_loaded_it_predicts_the_same(setup, trained, corpus, tmp_path):
    recognizer = trained(setup)
    recognizer.save_pretrained(tmp_path / "saved")
    loaded = Recognizer.from_pretrained(tmp_path / "saved")
    assert_same(recognizer, loaded, corpus)
    assert loaded.recipe == recognizer.recipe and loaded.facts == recognizer.facts
    assert loaded.preprocessor.scaler == recognizer.preprocessor.scaler
    np.testing.assert_equal(loaded.thresholds, recognizer.thresholds)


@pytest.mark.parametrize("setup", ["frozen", "features", "multi-label", "dialogue"])
def test_an_encoder_that_was_not_saved_is_loaded_by_the_recipe(setup, trained, corpus, tmp_path):
    recognizer = trained(setup)
    recognizer.save_pretrained(tmp_path, skip_frozen_weights=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model.safetensors", "sentir.json"]
    assert_same(recognizer, Recognizer.from_pretrained(tmp_path), corpus)


def test_a_fine_tuned_encoder_is_always_saved(trained, corpus, tmp_path):
    trained("fine-tuned").save_pretrained(tmp_path, skip_frozen_weights=True)
    assert_same(trained("fine-tuned"), Recognizer.from_pretrained(tmp_path), corpus)


def test_a_complete_folder_does_not_need_the_original_weights(corpus, weights, tmp_path):
    moved = shutil.copytree(weights, tmp_path / "weights")
    recognizer, _dev = fit_recognizer(tiny_recipe(moved), corpus)
    recognizer.save_pretrained(tmp_path / "saved")
    shutil.rmtree(moved)
    assert_same(recognizer, Recognizer.from_pretrained(tmp_path / "saved"), corpus)


@pytest.mark.parametrize(
    ("name", "encoder"),
    [
        ("bertweet-base-sentiment-analysis", "frozen"),
        ("xlnet-base-cased", "finetune"),
        ("bert-base-uncased", "frozen"),
    ],
)
def test_each_family_of_tokenizers_is_saved_and_loaded(name, encoder, corpus, tmp_path):
    weights = make_tiny_text_backbone(name, tmp_path / "weights", [u.text for u in corpus])
    recipe = tiny_recipe(weights, model={"backbone": name, "encoder": encoder, "context": "window"})
    recognizer, _dev = fit_recognizer(recipe, corpus)
    recognizer.save_pretrained(tmp_path / "saved")
    assert_same(recognizer, Recognizer.from_pretrained(tmp_path / "saved"), corpus)


@pytest.mark.parametrize("setup", ["features", "fine-tuned"])
def test_no_saved_file_is_a_pickle(setup, trained, tmp_path):
    trained(setup).save_pretrained(tmp_path)
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert {path.suffix for path in files} == {".md", ".json", ".safetensors"}
    for path in files:
        if path.suffix == ".safetensors":
            assert load_file(path)
        else:
            text = path.read_text(encoding="utf-8")
            assert text if path.suffix == ".md" else json.loads(text)


def test_saving_a_loaded_model_to_its_own_folder_changes_nothing(saved, trained, corpus):
    first = Recognizer.from_pretrained(saved)
    first.save_pretrained(saved)
    second = Recognizer.from_pretrained(saved)
    assert_same(first, second, corpus)
    assert_same(trained("frozen"), second, corpus)


def test_a_save_removes_the_files_of_an_earlier_one(trained, corpus, tmp_path):
    trained("fine-tuned").save_pretrained(tmp_path)
    trained("frozen").save_pretrained(tmp_path, skip_frozen_weights=True)
    assert not (tmp_path / "encoder").exists()
    assert_same(trained("frozen"), Recognizer.from_pretrained(tmp_path), corpus)


def test_a_save_keeps_other_files(trained, tmp_path):
    (tmp_path / "encoder").mkdir()
    (tmp_path / "encoder" / "notes.txt").write_text("mine")
    trained("fine-tuned").save_pretrained(tmp_path)
    assert (tmp_path / "encoder" / "notes.txt").read_text() == "mine"


def test_facts_describe_the_training(trained, corpus):
    facts = trained("frozen").facts
    assert (facts["corpus"], facts["fingerprint"], facts["synthetic"]) == ("tiny", corpus.fingerprint, False)
    assert [epoch["epoch"] for epoch in facts["history"]] == [1, 2]
    assert facts["dev_score"] == max(epoch["score"] for epoch in facts["history"])
    assert {"python", "sentir", "torch", "transformers"} <= facts["versions"].keys()


def test_labels_are_decoded_with_thresholds(trained, corpus):
    recognizer = trained("multi-label")
    predictions = recognizer.predict_utterances(corpus.test)
    assert recognizer.labels(predictions) == predictions.labels(recognizer.thresholds)
    all_labels = replace(recognizer, thresholds=np.zeros(2)).labels(predictions)
    assert set(all_labels.values()) == {("joy", "sadness")}


@pytest.mark.parametrize("setup", ["frozen", "multi-label"])
def test_predictions_are_calibrated_before_and_after_saving(setup, trained, corpus, tmp_path):
    original = trained(setup)
    temperature = (1.5,) * len(original.calibration.temperature)
    recognizer = replace(original, calibration=replace(original.calibration, temperature=temperature))
    plain = replace(recognizer, calibration=None).predict_utterances(corpus.test)
    calibrated = recognizer.calibration.apply(plain)
    assert not np.allclose(plain.probabilities, calibrated.probabilities, atol=1e-3)
    recognizer.save_pretrained(tmp_path)
    loaded = Recognizer.from_pretrained(tmp_path)
    assert loaded.calibration == recognizer.calibration
    for one in (recognizer, loaded):
        np.testing.assert_allclose(
            one.predict_utterances(corpus.test).probabilities, calibrated.probabilities, atol=1e-6
        )


# Damaged folders


def write_facts(folder, change):
    path = folder / "sentir.json"
    tree = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps(change(tree)), encoding="utf-8")


def truncate(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def other_tensors(path):
    save_file({"head.1.weight": torch.zeros(2, 2)}, path)


def other_encoder(folder):
    path = folder / "encoder" / "model.safetensors"
    tensors = load_file(path)
    save_file({name: tensor + 1 for name, tensor in tensors.items()}, path, metadata={"format": "pt"})


def with_two_temperatures(calibration):
    return calibration | {"temperature": [2.0, 2.0]}


CURVE = ("confidences", "errors", "coverages")
DAMAGES = {
    "no facts": lambda f: (f / "sentir.json").unlink(),
    "facts truncated": lambda f: truncate(f / "sentir.json"),
    "facts not text": lambda f: (f / "sentir.json").write_bytes(b"\xff\xfe\x00"),
    "facts not a table": lambda f: (f / "sentir.json").write_text("[1, 2]"),
    "later format": lambda f: write_facts(f, lambda tree: tree | {"format": 99}),
    "earlier format": lambda f: write_facts(f, lambda tree: tree | {"format": 4}),
    "no recipe": lambda f: write_facts(f, lambda tree: {k: v for k, v in tree.items() if k != "recipe"}),
    "invalid recipe": lambda f: write_facts(f, lambda tree: tree | {"recipe": tree["recipe"] | {"colour": 1}}),
    "invalid label space": lambda f: write_facts(f, lambda tree: tree | {"space": 7}),
    "duplicate labels": lambda f: write_facts(f, lambda t: t | {"space": t["space"] | {"names": ["joy", "joy"]}}),
    "more labels": lambda f: write_facts(f, lambda t: t | {"space": t["space"] | {"names": [*"abcd"]}}),
    "invalid thresholds": lambda f: write_facts(f, lambda tree: tree | {"thresholds": ["high"]}),
    "too few thresholds": lambda f: write_facts(f, lambda tree: tree | {"thresholds": [0.5]}),
    "infinite thresholds": lambda f: write_facts(f, lambda tree: tree | {"thresholds": [0.5, 0.5, float("inf")]}),
    "invalid calibration": lambda f: write_facts(f, lambda tree: tree | {"calibration": [1.0]}),
    "too many temperatures": lambda f: write_facts(
        f, lambda t: t | {"calibration": with_two_temperatures(t["calibration"])}
    ),
    "an impossible risk curve": lambda f: write_facts(
        f, lambda t: t | {"calibration": t["calibration"] | {"risk_curve": {key: [0.5, 0.5] for key in CURVE}}}
    ),
    "no weights": lambda f: (f / "model.safetensors").unlink(),
    "weights truncated": lambda f: truncate(f / "model.safetensors"),
    "foreign weights": lambda f: other_tensors(f / "model.safetensors"),
    "encoder truncated": lambda f: truncate(f / "encoder" / "model.safetensors"),
    "encoder without weights": lambda f: (f / "encoder" / "model.safetensors").unlink(),
    "encoder without tokenizer": lambda f: (f / "encoder" / "tokenizer.json").unlink(),
    "encoder without config": lambda f: (f / "encoder" / "config.json").unlink(),
    "another encoder": other_encoder,
}


def test_a_folder_of_format_6_is_read_and_has_no_curve(saved):
    def as_format_6(tree):
        del tree["calibration"]["risk_curve"]
        return tree | {"format": 6}

    before = Recognizer.from_pretrained(saved)
    write_facts(saved, as_format_6)
    model = Recognizer.from_pretrained(saved)
    assert before.calibration.risk_curve and model.calibration == replace(before.calibration, risk_curve=None)
    assert model.predict("I am happy.").labels == before.predict("I am happy.").labels
    with pytest.raises(RecognizerError, match="saved without a risk–coverage curve"):
        model.predict("I am happy.", max_error=0.2)


@pytest.mark.parametrize(
    ("found", "why"),
    [(9, "which a later version of Sentir wrote, and this one reads 6 to 8; update Sentir"),
     (5, "this version of Sentir reads 6 to 8; train the model again"), (True, "train the model again")],
)  # fmt: skip
def test_other_formats_are_refused_with_what_to_do(saved, found, why):
    write_facts(saved, lambda tree: tree | {"format": found})
    with pytest.raises(RecognizerError, match=f"has format {found}, .*{why}"):
        Recognizer.from_pretrained(saved)


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_folder_is_an_error(damage, saved):
    DAMAGES[damage](saved)
    with pytest.raises(RecognizerError) as caught:
        Recognizer.from_pretrained(saved)
    message = str(caught.value)
    assert str(saved) in message and "\n" not in message and len(message) < 500


def test_a_missing_fine_tuned_encoder_is_not_replaced_by_the_pretrained_one(trained, tmp_path):
    trained("fine-tuned").save_pretrained(tmp_path)
    shutil.rmtree(tmp_path / "encoder")
    with pytest.raises(RecognizerError, match="encoder cannot be used"):
        Recognizer.from_pretrained(tmp_path)


@pytest.mark.parametrize("kind", ["nothing", "a folder of something else", "a file"])
def test_what_is_not_a_recognizer_is_an_error(kind, weights, tmp_path):
    path = {
        "nothing": tmp_path / "no",
        "a folder of something else": weights,
        "a file": weights / "config.json",
    }[kind]
    with pytest.raises(RecognizerError, match="is not a saved recognizer"):
        Recognizer.from_pretrained(path)


def test_an_encoder_with_other_weights_is_refused(corpus, weights, tmp_path):
    moved = shutil.copytree(weights, tmp_path / "weights")
    fit_recognizer(tiny_recipe(moved), corpus)[0].save_pretrained(tmp_path / "saved", skip_frozen_weights=True)
    other = make_tiny_text_backbone("roberta-base", tmp_path / "other", ["quite other words"])
    write_facts(tmp_path / "saved", lambda tree: with_weights(tree, other))
    with pytest.raises(WeightsError, match="not the one it was trained with"):
        Recognizer.from_pretrained(tmp_path / "saved")
    write_facts(tmp_path / "saved", lambda tree: with_weights(tree, tmp_path / "missing"))
    with pytest.raises(WeightsError, match="has no model"):
        Recognizer.from_pretrained(tmp_path / "saved")


def with_weights(tree, folder):
    return tree | {"recipe": tree["recipe"] | {"model": tree["recipe"]["model"] | {"weights": str(folder)}}}


@pytest.mark.parametrize("skip_frozen_weights", [False, True])
def test_a_failed_save_keeps_the_earlier_model_and_can_be_repeated(
    skip_frozen_weights, saved, trained, corpus, monkeypatch
):
    def interrupted(*_arguments):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("sentir.recognizer.torch_saving.save_text_encoder", interrupted)
        with pytest.raises(KeyboardInterrupt):
            trained("dialogue").save_pretrained(saved)
    assert_same(trained("frozen"), Recognizer.from_pretrained(saved), corpus)
    trained("dialogue").save_pretrained(saved, skip_frozen_weights=skip_frozen_weights)
    assert_same(trained("dialogue"), Recognizer.from_pretrained(saved), corpus)


def test_files_of_others_are_kept_by_every_save(trained, saved, corpus):
    (saved / "encoder" / "notes.txt").write_text("mine")
    trained("fine-tuned").save_pretrained(saved)
    trained("frozen").save_pretrained(saved, skip_frozen_weights=True)
    assert {path.name for path in (saved / "encoder").iterdir()} == {"notes.txt"}
    assert_same(trained("frozen"), Recognizer.from_pretrained(saved), corpus)


@pytest.mark.parametrize("name", ["README.md", "model.safetensors", "encoder/config.json"])
def test_a_file_that_sentir_did_not_write_is_not_replaced(name, trained, tmp_path):
    (tmp_path / "encoder").mkdir()
    (tmp_path / name).write_text("mine")
    for refuses in (check_output_folder, trained("frozen").save_pretrained):
        with pytest.raises(SentirError, match="was not written by Sentir"):
            refuses(tmp_path)
    assert [path.read_text() for path in tmp_path.rglob("*") if path.is_file()] == ["mine"]


def test_a_model_that_does_not_list_its_files_is_replaced_completely(trained, saved, corpus):
    write_facts(saved, lambda tree: {key: value for key, value in tree.items() if key != "files"})
    trained("frozen").save_pretrained(saved, skip_frozen_weights=True)
    assert sorted(path.name for path in saved.iterdir()) == ["model.safetensors", "sentir.json"]


def test_other_listed_files_are_not_deleted(trained, saved):
    (saved.parent / "precious").write_text("mine")
    write_facts(saved, lambda tree: tree | {"files": ["../precious", "notes.txt", *tree["files"]]})
    (saved / "notes.txt").write_text("mine")
    trained("frozen").save_pretrained(saved)
    assert (saved.parent / "precious").exists() and (saved / "notes.txt").exists()


def test_loading_during_a_save_gives_the_new_model(trained, saved, corpus, monkeypatch):
    load, other = torch_saving.load_encoders, trained("dialogue")

    def load_during_save(*arguments):
        monkeypatch.setattr("sentir.recognizer.torch_backend.load_encoders", load)
        other.save_pretrained(saved)
        return load(*arguments)

    monkeypatch.setattr("sentir.recognizer.torch_backend.load_encoders", load_during_save)
    assert_same(other, Recognizer.from_pretrained(saved), corpus)


KILLED = """
import sys
from itertools import cycle
from pathlib import Path
from sentir.recognizer.recognizer import Recognizer

models = [Recognizer.from_pretrained(Path(folder)) for folder in sys.argv[1:3]]
print("started", flush=True)
for model in cycle(models):
    model.save_pretrained(Path(sys.argv[3]))
"""


@pytest.mark.slow
def test_a_save_that_is_killed_leaves_one_model_or_the_other(trained, corpus, tmp_path):
    names = ("frozen", "fine-tuned dialogue")
    for name in names:
        trained(name).save_pretrained(tmp_path / name)
    target, rng = tmp_path / "target", random.Random(0)
    trained(names[0]).save_pretrained(target)
    for _round in range(6):
        arguments = [sys.executable, "-c", KILLED, *(str(tmp_path / name) for name in names), str(target)]
        with subprocess.Popen(arguments, stdout=subprocess.PIPE) as process:
            process.stdout.readline()
            time.sleep(rng.random())
            process.kill()
        loaded = Recognizer.from_pretrained(target)
        (expected,) = [name for name in names if loaded.recipe == trained(name).recipe]
        assert_same(trained(expected), loaded, corpus)


def test_a_folder_that_is_not_writable_is_an_error(trained, tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    with pytest.raises(
        RecognizerError, match=r"cannot be saved to .*file \(.*File exists.*\); free some space there"
    ):
        trained("frozen").save_pretrained(tmp_path / "file")

    def full(*_arguments):
        raise SafetensorError("No space left on device")

    monkeypatch.setattr("sentir.recognizer.torch_saving.save_file", full)
    with pytest.raises(RecognizerError, match=r"cannot be saved to .*full \(No space left on device\)"):
        trained("frozen").save_pretrained(tmp_path / "full")


def test_loading_a_folder_does_not_run_its_code(saved, tmp_path):
    plugin = tmp_path / "plugin.py"
    plugin.write_text("from pathlib import Path\nPath(__file__).with_suffix('.seen').touch()\n")
    write_facts(saved, lambda tree: tree | {"recipe": tree["recipe"] | {"plugins": [str(plugin)]}})
    Recognizer.from_pretrained(saved)
    assert not plugin.with_suffix(".seen").exists()


def test_a_complete_folder_does_not_look_up_a_local_backbone(corpus, weights, tmp_path, monkeypatch):
    shutil.copytree(weights, tmp_path / "near" / "mine")
    monkeypatch.chdir(tmp_path / "near")
    recognizer, _dev = fit_recognizer(tiny_recipe("none", model={"backbone": "mine", "weights": None}), corpus)
    recognizer.save_pretrained(tmp_path / "saved")
    monkeypatch.chdir(tmp_path)
    assert_same(recognizer, Recognizer.from_pretrained(tmp_path / "saved"), corpus)


def test_a_saved_known_backbone_keeps_its_normalization(corpus, tmp_path):
    name = "twitter-roberta-base-sentiment"
    weights = make_tiny_text_backbone(name, tmp_path / "weights")
    fit_recognizer(tiny_recipe(weights, model={"backbone": name}), corpus)[0].save_pretrained(tmp_path / "saved")
    tokenizer = Recognizer.from_pretrained(tmp_path / "saved").preprocessor.text.tokenizer
    assert tokenizer.encode("@ross hi") == tokenizer.encode("@joey hi")
