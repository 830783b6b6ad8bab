"""Models are pushed to a stand-in of the hub and loaded from it; every failure is one sentence."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import replace
from io import StringIO
from pathlib import Path

import pytest
from hub_server import READER, WRITER, hub_server
from running import sentir as run
from tiny_corpora import tiny_recipe

import sentir
from sentir.errors import RecognizerError
from sentir.i18n import use_language
from sentir.recognizer.hub import at_revision, find_model
from sentir.study.baseline_model import BaselineModel
from sentir.study.baselines import fit_baseline
from sentir.training.recognizers import fit_recognizer

DOCS = Path(__file__).parents[2] / "docs"
TEXTS = ["I am so happy today!", "Leave me alone."]


@pytest.fixture(scope="module")
def model(corpus, weights):
    return fit_recognizer(tiny_recipe(weights), corpus)[0]


@pytest.fixture(scope="module")
def folder(model, tmp_path_factory):
    folder = tmp_path_factory.mktemp("saved")
    model.save_pretrained(folder)
    return folder


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """A hub with a user who is logged in, and an empty cache."""
    with hub_server() as hub:
        constants = {
            "ENDPOINT": hub.url,
            "HUGGINGFACE_CO_URL_TEMPLATE": hub.url + "/{repo_id}/resolve/{revision}/{filename}",
            "HF_HUB_OFFLINE": False,
            "HF_HUB_CACHE": str(tmp_path / "cache"),
            "HF_TOKEN_PATH": str(tmp_path / "token"),
        }
        for name, value in constants.items():
            monkeypatch.setattr(f"huggingface_hub.constants.{name}", value)
        monkeypatch.setenv("HF_TOKEN", WRITER)
        yield hub


@pytest.mark.slow  # imports torch in another process
def test_a_model_is_loaded_by_name_and_revision_in_a_fresh_process_and_home(hub, model, tmp_path):
    first = model.push_to_hub("ana/mine", accept_license=True, revision="v1", private=True)
    hub.repositories["ana/mine"].private = False
    hub.repositories["ana/mine"].commits[first.oid]["plugin.py"] = b"open('ran', 'w')"
    assert [*hub.repositories["ana/mine"].branches] == ["main", "v1"]
    code = (
        "import json, sentir\n"
        "loaded = [sentir.load('ana/mine', revision='v1'),"
        f" sentir.Recognizer.from_pretrained('ana/mine@{first.oid}')]\n"
        f"print(json.dumps([one.predict_proba({TEXTS!r}).tolist() for one in loaded]))"
    )
    env = {k: v for k, v in os.environ.items() if not k.startswith("HF_")}
    env |= {"HF_ENDPOINT": hub.url, "HF_HOME": str(tmp_path / "home"), "HF_HUB_OFFLINE": "0"}
    done = subprocess.run(
        [sys.executable, "-c", code], env=env, cwd=tmp_path, capture_output=True, text=True, check=True
    )
    ours = model.predict_proba(TEXTS)
    for theirs in json.loads(done.stdout):
        assert theirs == pytest.approx(ours, abs=1e-6)
    assert not (tmp_path / "ran").exists() and not [*(tmp_path / "home").rglob("plugin.py")]


def test_a_push_replaces_the_files_of_an_earlier_one_and_no_others(hub, folder, model):
    (folder / "notes.txt").write_text("private")
    repository = hub.add("ana/mine", {"figure.png": b"png", "README.md": b"hello"})
    sentir.push_to_hub(folder, "ana/mine", accept_license=True, commit_message="first")
    repository.commit("main", {**repository.files("main")[1], "stacked/sentir.json": b"old"})
    commit = model.push_to_hub("ana/mine", accept_license=True)
    files = repository.files("main")[1]
    listed = json.loads((folder / "sentir.json").read_bytes())["files"]
    assert {*files} == {*listed, ".gitattributes", "figure.png"}
    assert repository.messages == ["first", f"tiny, saved with Sentir {sentir.__version__}"]
    assert files["model.safetensors"] == (folder / "model.safetensors").read_bytes()
    assert commit.oid == repository.branches["main"] and files["README.md"].startswith(b"---\n")


def test_a_baseline_is_pushed_and_loaded(hub, corpus, tmp_path):
    recipe, space = tiny_recipe("none"), corpus.label_space("emotion")
    fitted = fit_baseline("majority", recipe, corpus, "weighted_f1")
    baseline = BaselineModel("majority", recipe, space, fitted, facts={"corpus": "tiny", "synthetic": True})
    baseline.push_to_hub("ana/majority")
    assert hub.repositories["ana/majority"].messages[0].startswith("majority, saved with Sentir")
    baseline.save_pretrained(tmp_path / "saved")
    sentir.push_to_hub(tmp_path / "saved", "ana/again")
    for name in ("ana/majority", "ana/again"):
        assert sentir.load(name).predict("Hello.") == baseline.predict("Hello.")


def test_files_of_others_are_not_replaced(hub, model):
    repository = hub.add("ana/bert", {"model.safetensors": b"theirs"})
    with pytest.raises(RecognizerError, match=r"ana/bert has files that Sentir did not push, such as model\.saf"):
        model.push_to_hub("ana/bert", accept_license=True)
    assert len(repository.commits) == 1


def test_a_loaded_model_is_loaded_again_without_a_request(hub, model):
    model.push_to_hub("ana/mine", accept_license=True)
    assert sentir.load("ana/mine").predict(TEXTS) == model.predict(TEXTS)
    count = len(hub.requests)
    assert find_model("ana/mine").joinpath("sentir.json").is_file() and len(hub.requests) == count
    model.push_to_hub("ana/mine", accept_license=True, revision="v2")
    assert find_model("ana/mine@v2") != find_model("ana/mine")


def test_an_interrupted_download_is_completed(hub, model, tmp_path):
    model.push_to_hub("ana/mine", accept_license=True)
    snapshot = find_model("ana/mine")
    (snapshot / "model.safetensors").unlink()
    assert (find_model("ana/mine") / "model.safetensors").is_file()


def test_the_license_of_the_corpus_is_accepted_first(hub, model, folder):
    with pytest.raises(RecognizerError, match=r"license Sentir does not know: tiny\. .* accept_license=True"):
        model.push_to_hub("ana/mine")
    refused = run("push", folder, "ana/mine")
    assert refused.returncode == 2 and "confirm it with --yes" in refused.stderr
    assert not hub.repositories
    pushed = run("push", folder, "ana/mine", "--yes", "--private", "--revision", "v1", "--message", "first")
    assert pushed.returncode == 0 and f"{hub.url}/ana/mine/commit/" in pushed.stdout, pushed.stderr
    assert hub.repositories["ana/mine"].private and hub.repositories["ana/mine"].messages == ["first"]
    predicted = run("predict", "ana/mine", "--revision", "v1", "--text", TEXTS[0], "--json")
    assert json.loads(predicted.stdout)[0]["label"] == model.predict(TEXTS[0]).label


@pytest.mark.parametrize(("reply", "pushed"), [("y\n", True), ("n\n", False)])
def test_a_terminal_is_asked(hub, folder, monkeypatch, reply, pushed):
    terminal = StringIO(reply)
    terminal.isatty = lambda: True
    monkeypatch.setattr(sys, "stdin", terminal)
    done = run("push", folder, "ana/mine")
    assert (done.returncode == 0) == pushed == ("ana/mine" in hub.repositories)
    assert "does not know: tiny" in done.stdout and "May the model be shared" in done.stdout


def test_a_model_of_a_synthetic_corpus_is_pushed_without_a_question(hub, model):
    synthetic = replace(model, facts={**model.facts, "synthetic": True})
    synthetic.push_to_hub("ana/demo")
    card = hub.repositories["ana/demo"].files("main")[1]["README.md"].decode()
    assert "synthetic-data" in card and "Synthetic data: results do not carry over" in card


def test_a_push_warns_of_local_paths_in_its_metadata(hub, model, weights, caplog):
    model.push_to_hub("ana/mine", accept_license=True)
    assert [record.message for record in caplog.records if str(weights) in record.message]
    caplog.clear()
    settings = model.recipe.model.model_copy(update={"weights": "ana/encoder"})
    recipe = model.recipe.model_copy(update={"model": settings})
    replace(model, recipe=recipe, facts={**model.facts, "weights": {}}).push_to_hub(
        "ana/mine", accept_license=True
    )
    assert not caplog.records


@pytest.mark.parametrize(
    ("name", "token", "message"),
    [
        ("mine", WRITER, r"'mine' is not the name of a repository of the hub; give OWNER/NAME"),
        ("ana/mine", "", r"needs a token of the hub with write access"),
        ("ana/mine", "hf_wrong", r"does not accept the token"),
        ("ana/mine", READER, r"may not write to ana/mine"),
        ("ben/mine", WRITER, r"may not write to ben/mine"),
        ("ana/a--b", WRITER, r"could not be pushed to ana/a--b \(.*repo"),
    ],
)
def test_a_push_that_is_refused_is_one_sentence(hub, model, monkeypatch, name, token, message):
    monkeypatch.setenv("HF_TOKEN", token)
    with pytest.raises(RecognizerError, match=message):
        model.push_to_hub(name, accept_license=True)
    assert not hub.repositories


def test_a_hub_that_fails_while_pushing_leaves_the_earlier_commit(hub, model):
    model.push_to_hub("ana/mine", accept_license=True)
    before = hub.repositories["ana/mine"].branches["main"]
    hub.failures["/api/models/ana/mine/commit"] = 400
    with pytest.raises(RecognizerError, match=r"could not be pushed to ana/mine \(.*; push it again later"):
        model.push_to_hub("ana/mine", accept_license=True)
    assert hub.repositories["ana/mine"].branches["main"] == before


def test_without_a_connection_a_push_and_a_load_are_refused_in_a_sentence(hub, model, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(RecognizerError, match=r"could not be pushed to ana/mine \(http://127.0.0.1:9 cannot be"):
        model.push_to_hub("ana/mine", accept_license=True)
    with pytest.raises(RecognizerError, match=r"ana/mine is neither .*127.0.0.1:9 cannot be reached"):
        sentir.load("ana/mine")


def test_what_is_not_on_the_hub_is_one_sentence(hub, model, tmp_path):
    hub.add("ben/bert", {"modeling.py": b"raise SystemExit", "pytorch_model.bin": b"weights"})
    hub.add("ben/secret", {"sentir.json": b"{}"}, private=True)
    hub.add("ben/broken", {"sentir.json": b"[1", "big.bin": b"large"})
    os.environ.pop("HF_TOKEN")
    with pytest.raises(
        RecognizerError, match=r"ben/bert on the hub is not a model of Sentir \(no sentir\.json\)"
    ):
        sentir.load("ben/bert")
    for name in ("ben/none", "ben/secret"):
        with pytest.raises(RecognizerError, match=rf"neither a folder {name} nor a model .*'hf auth login'"):
            sentir.load(name)
    with pytest.raises(RecognizerError, match=r"ben/broken on the hub has no revision 'v9'"):
        sentir.load("ben/broken", revision="v9")
    with pytest.raises(RecognizerError, match="is damaged"):
        sentir.load("ben/broken")
    assert not [*(tmp_path / "cache").rglob("*.bin"), *(tmp_path / "cache").rglob("*.py")]


def test_only_models_of_the_hub_have_revisions(folder):
    assert at_revision("ana/mine", "v1") == Path("ana/mine@v1") and at_revision(folder, None) == folder
    for name in (str(folder), "ana/mine@v1", "models/of/mine"):
        with pytest.raises(RecognizerError, match=r"Only a model of the hub, OWNER/NAME, has revisions"):
            sentir.load(name, revision="v2")
    done = run("predict", folder, "--revision", "v1", "--text", "hello")
    assert done.returncode == 2 and "Only a model of the hub" in done.stderr


def test_an_incomplete_or_light_folder_is_not_pushed(hub, model, tmp_path):
    light, broken = tmp_path / "light", tmp_path / "broken"
    model.save_pretrained(light, skip_frozen_weights=True)
    with pytest.raises(RecognizerError, match="saved without its frozen encoder and model card"):
        sentir.push_to_hub(light, "ana/mine", accept_license=True)
    model.save_pretrained(broken)
    (broken / "model.safetensors").unlink()
    with pytest.raises(
        RecognizerError, match=r"is damaged: model\.safetensors cannot be used \(the file is missing"
    ):
        sentir.push_to_hub(broken, "ana/mine", accept_license=True)
    with pytest.raises(RecognizerError, match="is not a saved recognizer"):
        sentir.push_to_hub(tmp_path / "none", "ana/mine", accept_license=True)
    assert not hub.repositories


def test_messages_are_translated(hub, model, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "")
    with use_language("es"), pytest.raises(RecognizerError) as caught:
        model.push_to_hub("ana/mine", accept_license=True)
    assert re.search("hf auth login", str(caught.value))


def _examples(page, language):
    text = (DOCS / page).read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)


def test_the_examples_of_the_page_run_in_both_languages(hub, folder, model, tmp_path, monkeypatch):
    for kind in ("python", "sh"):
        assert _examples("en/hub.md", kind) == _examples("es/hub.md", kind)
    shutil.copytree(folder, tmp_path / "models" / "mine")
    monkeypatch.chdir(tmp_path)
    names = {}
    push, use = (shlex.split(block)[1:] for block in _examples("en/hub.md", "sh"))
    first, second = _examples("en/hub.md", "python")
    assert run(*push).returncode == 0
    exec(first, names)
    assert run(*use).returncode == 0
    exec(second, names)
    assert hub.repositories["ana/mine"].private and names["prediction"].label == model.predict(use[3]).label


def test_a_model_of_excessive_size_is_not_downloaded(hub, folder, tmp_path, monkeypatch):
    hub.add("eve/huge", {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()})
    monkeypatch.setattr("sentir.recognizer.hub._MAX_DOWNLOAD_GB", 1e-6)
    with pytest.raises(RecognizerError, match=r"eve/huge takes 0\.0 GB, and at most 1e-06 GB"):
        find_model("eve/huge")
    assert not list((tmp_path / "cache").rglob("*.safetensors"))
