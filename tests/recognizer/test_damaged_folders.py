"""Damaged and malicious model folders: each loads, or is refused with an error that names folder and file."""

import json
import os
import shutil
import warnings

import pytest
import torch
from damaged_folders import copy_of, damages_of, some
from safetensors.torch import load_file, save_file
from tiny_corpora import spoken_recipe, stacking_on_text, tiny_recipe

from sentir.corpus.utterances import Utterance
from sentir.errors import RecognizerError, SentirError, WeightsError
from sentir.models.text_encoder import load_text_encoder
from sentir.recognizer.recognizer import Recognizer
from sentir.study.stacking import train_recognizer
from sentir.testing import make_tiny_speech_backbone

pytestmark = pytest.mark.usefixtures("one_store")
KINDS = ("text", "audio", "multimodal", "stacked")
SHARES = {"text": 150, "audio": 150, "multimodal": 200, "stacked": 500}  # one in so many is tested by default
ONE_EPOCH = {"epochs": 1, "batch_size": 8}


def recipe_of(kind, weights, home):
    if kind == "text":
        return tiny_recipe(weights, model={"features": ["lexical"]}, train=ONE_EPOCH)
    if kind == "audio":
        return spoken_recipe(weights, data={"task": "feelings"}, train=ONE_EPOCH)
    if kind == "stacked":
        return spoken_recipe(weights, train=ONE_EPOCH, **stacking_on_text(weights, folds=2, train=ONE_EPOCH))
    speech = make_tiny_speech_backbone("wav2vec2", home / "speech")
    audio = {"backbone": "wav2vec2", "weights": str(speech), "pretrained": True}
    model = {"kind": "multimodal", "encoder": "finetune", "layers": [0], "audio": audio}
    return spoken_recipe(weights, model=model, train=ONE_EPOCH)


@pytest.fixture(scope="module")
def saved(spoken, weights, sounds, tmp_path_factory):
    """Kind → the folder of a saved model, each trained once."""
    folders, home = {}, tmp_path_factory.mktemp("saved")

    def get(kind):
        if kind not in folders:
            with pytest.MonkeyPatch.context() as patch:
                patch.setenv("SENTIR_CACHE_DIR", str(home / "cache"))
                patch.setenv("SENTIR_AUDIO_DIR", str(sounds))
                recognizer, _dev = train_recognizer(recipe_of(kind, weights, home), spoken)
                recognizer.save_pretrained(home / kind)
            folders[kind] = home / kind
        return folders[kind]

    return get


def find_failures(damages, folder, target, utterances):
    """Load each damaged folder, predict with those that load, and return the damages without a proper error."""
    failures = []
    for damage in damages:
        damage.to(copy_of(folder, target))
        try:
            recognizer = Recognizer.from_pretrained(target)
        except RecognizerError as error:
            message = str(error)
            if str(target) not in message or "\n" in message or len(message) > 700:
                failures.append((damage.name, message))
            continue
        except Exception as error:  # noqa: BLE001
            failures.append((damage.name, repr(error)))
            continue
        try:
            recognizer.predict_utterances(utterances)
        except SentirError as error:
            failures += [(damage.name, str(error))] if "\n" in str(error) else []
        except Exception as error:  # noqa: BLE001
            failures.append((damage.name, f"predict: {error!r}"))
    return failures


@pytest.mark.parametrize("kind", KINDS)
def test_some_damages_are_reported(kind, saved, tmp_path):
    damages = some(damages_of(saved(kind)), SHARES[kind])
    assert len(damages) > 10
    assert find_failures(damages, saved(kind), tmp_path / "damaged", []) == []


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_damages_are_reported_or_harmless(kind, saved, spoken, tmp_path):
    damages = some(damages_of(saved(kind)), 20)
    assert len(damages) > 190
    utterances = [spoken.dev[0], Utterance("one", text="I am happy."), Utterance("none")]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of absurd weights
        assert find_failures(damages, saved(kind), tmp_path / "damaged", utterances) == []


# Malicious folders


def write(file, **changes):
    tree = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    file.write_text(json.dumps(tree | changes), encoding="utf-8")


@pytest.mark.parametrize(
    ("file", "changes"),
    [
        ("config.json", {"attn_implementation": "attacker/kernel"}),
        ("config.json", {"_attn_implementation": "flash_attention_2"}),
        ("config.json", {"_attn_implementation_internal": {"": "attacker/kernel"}}),
        ("config.json", {"text_config": {"attn_implementation": "attacker/kernel"}}),
        ("config.json", {"quantization_config": {"quant_method": "gptq"}}),
        ("config.json", {"auto_map": {"AutoModel": "code.Model"}}),
        ("config.json", {"trust_remote_code": True}),
        ("config.json", {"transformers_weights": "../other.safetensors"}),
        ("config.json", {"num_labels": 10**9}),
        ("tokenizer_config.json", {"auto_map": {"AutoTokenizer": ["code.Tokenizer", None]}}),
        ("tokenizer_config.json", {"vocab_file": "/etc/hosts"}),
        ("tokenizer_config.json", {"tokenizer_file": "../../elsewhere.json"}),
        ("adapter_config.json", {"base_model_name_or_path": "attacker/model"}),
    ],
)
def test_settings_cannot_choose_code_kernels_or_files(file, changes, saved, tmp_path):
    folder = shutil.copytree(saved("text"), tmp_path / "malicious")
    (folder / "encoder" / "code.py").write_text("raise SystemExit('code was run')")
    write(folder / "encoder" / file, **changes)
    with pytest.raises(RecognizerError) as caught:
        Recognizer.from_pretrained(folder)
    key = next(iter(changes)) if "text_config" not in changes else "attn_implementation"
    message = str(caught.value)
    assert "requires code" in message or (file in message and (key in message or "adapter" in message))
    with pytest.raises(WeightsError):
        load_text_encoder("roberta-base", weights=str(folder / "encoder"))


def test_harmless_settings_of_old_repositories_are_allowed(saved, tmp_path):
    folder = shutil.copytree(saved("text"), tmp_path / "old")
    write(folder / "encoder" / "config.json", _name_or_path="attacker/model", _attn_implementation="sdpa")
    old = "/root/.cache/huggingface/transformers/1234"
    write(folder / "encoder" / "tokenizer_config.json", special_tokens_map_file=old, name_or_path="a/b")
    Recognizer.from_pretrained(folder)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("hidden_size", 10**9), ("vocab_size", 10**12), ("num_hidden_layers", 10**9),
        ("intermediate_size", 10**10), ("max_position_embeddings", 10**10), ("hidden_size", -1),
        ("num_hidden_layers", 1),
    ],
)  # fmt: skip
def test_sizes_that_do_not_match_the_weights_are_refused_before_allocation(key, value, saved, tmp_path):
    folder = shutil.copytree(saved("multimodal"), tmp_path / "malicious")
    write(folder / "encoder" / "config.json", **{key: value})
    with pytest.raises(RecognizerError, match=r"encoder(, speech)? cannot be used"):
        Recognizer.from_pretrained(folder)


def test_a_network_that_does_not_match_its_weights_is_not_allocated(saved, tmp_path):
    for hidden in (10**9, 10**30):
        folder = shutil.copytree(saved("audio"), tmp_path / str(hidden))
        recipe = json.loads((folder / "sentir.json").read_text(encoding="utf-8"))["recipe"]
        write(folder / "sentir.json", recipe=recipe | {"model": recipe["model"] | {"hidden_size": hidden}})
        with pytest.raises(RecognizerError, match=r"model\.safetensors cannot be used"):
            Recognizer.from_pretrained(folder)


@pytest.mark.parametrize("file", ["encoder/model.safetensors", "model.safetensors", "speech/model.safetensors"])
def test_weights_that_are_not_finite_are_refused(file, saved, tmp_path):
    folder = shutil.copytree(saved("multimodal"), tmp_path / "malicious")
    tensors = load_file(folder / file)
    first = next(iter(sorted(tensors)))
    tensors[first] = torch.full_like(tensors[first], torch.nan)
    save_file(tensors, folder / file, metadata={"format": "pt"})
    with pytest.raises(RecognizerError, match=file.partition("/")[0]):
        Recognizer.from_pretrained(folder)


@pytest.mark.parametrize("file", ["encoder/model.safetensors", "encoder/config.json", "model.safetensors"])
def test_a_device_is_refused_as_a_file(file, saved, tmp_path):
    folder = shutil.copytree(saved("text"), tmp_path / "malicious")
    (folder / file).unlink()
    (folder / file).symlink_to("/dev/zero")
    with pytest.raises(RecognizerError):
        Recognizer.from_pretrained(folder)


def test_links_to_files_are_followed_as_in_the_cache_of_the_hub(saved, tmp_path):
    (tmp_path / "links").mkdir()
    for path in saved("stacked").rglob("*"):
        link = tmp_path / "links" / path.relative_to(saved("stacked"))
        link.mkdir() if path.is_dir() else link.symlink_to(path)
    Recognizer.from_pretrained(tmp_path / "links")


@pytest.mark.parametrize("mask", [0o022, 0o077, 0o002])
def test_all_files_have_the_permissions_of_the_umask(mask, saved, tmp_path):
    recognizer, before = Recognizer.from_pretrained(saved("multimodal")), os.umask(mask)
    try:
        recognizer.save_pretrained(tmp_path / "saved")
    finally:
        os.umask(before)
    files = [path for path in (tmp_path / "saved").rglob("*") if path.is_file()]
    assert len(files) > 5 and {path.stat().st_mode & 0o777 for path in files} == {0o666 & ~mask}
