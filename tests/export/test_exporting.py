"""Exported recognizers: saved, loaded, proven; refused where their numbers differ."""

import errno
import json
import re
import shutil
import subprocess
import sys
from tempfile import gettempdir

import numpy as np
import onnx
import pytest
from running import sentir
from tiny_corpora import spoken_recipe, tiny_recipe

from sentir.errors import RecognizerError, SentirError
from sentir.evaluation.results import Score
from sentir.export import exporting
from sentir.export.exporting import exported
from sentir.export.parity import GraphParity, ParityReport, require_parity
from sentir.recognizer.recognizer import Recognizer
from sentir.runtime import golden
from sentir.runtime.files import GOLDEN_FILE, GRAPH_FILES, PARITY_FILE
from sentir.runtime.onnx_backend import OnnxBackend
from sentir.training.recognizers import fit_recognizer

PARTS = {
    "auxiliary": {"model": {"auxiliary_tasks": ["feelings"]}},
    "fine-tuned": {"model": {"encoder": "finetune", "context": "window"}, "data": {"task": "feelings"}},
    "attention": {"model": {"context": "dialogue", "dialogue": {"layer": "attention", "speakers": True}}},
}


def blind(corpus):
    return [u.blind() for u in corpus.split("dev")]


def save_exported(recognizer, utterances, folder, **options) -> ParityReport:
    with exported(recognizer, utterances, inputs="dev", **options) as (ours, report):
        ours.save_pretrained(folder)
    return report


@pytest.fixture(scope="module")
def trained(trained_models):
    return trained_models.load("dialogue", "torch")


@pytest.fixture(scope="module")
def folder(trained_models):
    """The folder of the exported model; a test that changes it takes a copy."""
    return trained_models.folder("dialogue", "onnx")


@pytest.fixture
def exported_once(folder, monkeypatch):
    """Take the graphs of this model instead of exporting them again, which takes seconds."""
    paths = {name: folder / file for name, file in GRAPH_FILES.items()}
    graphs = {name: onnx.load(path) for name, path in paths.items() if path.exists()}
    monkeypatch.setattr(exporting, "_export_backend", lambda *_arguments: graphs)


@pytest.fixture
def saved(folder, tmp_path):
    Recognizer.from_pretrained(folder).save_pretrained(tmp_path / "copy")
    return tmp_path / "copy"


def assert_equal_predictions(ours, theirs, utterances, atol=1e-5):
    for task, predictions in theirs.predict_tasks(utterances).items():
        exported_predictions = ours.predict_tasks(utterances)[task]
        assert exported_predictions.ids == predictions.ids
        np.testing.assert_allclose(exported_predictions.probabilities, predictions.probabilities, atol=atol)


def test_an_exported_model_predicts_as_the_trained_one(trained, folder, corpus):
    ours = Recognizer.from_pretrained(folder)
    assert ours.backend.kind == "onnx"
    assert_equal_predictions(ours, trained, blind(corpus))


def test_its_folder_holds_graphs_instead_of_weights(folder):
    names = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert {*GRAPH_FILES.values()} - {"audio.onnx"} | {
        GOLDEN_FILE,
        PARITY_FILE,
        "sentir.json",
        "README.md",
    } <= names
    assert not [name for name in names if name.endswith((".safetensors", ".bin", ".pt"))]
    assert set(json.loads((folder / "sentir.json").read_text())["files"]) == names


@pytest.mark.parametrize("int8", [False, True])
def test_weights_beyond_the_limit_of_protobuf_are_saved_beside_their_graph(
    int8, trained, folder, corpus, exported_once, tmp_path, monkeypatch
):
    whole = (folder / GRAPH_FILES["utterances"]).stat().st_size
    monkeypatch.setattr(exporting, "_MAX_PROTOBUF_BYTES", whole // 2)
    save_exported(trained, blind(corpus), tmp_path / "model", int8=int8, allow_loss=True)
    shutil.move(tmp_path / "model", tmp_path / "moved")
    sizes = {path.name: path.stat().st_size for path in (tmp_path / "moved").glob("utterances.*")}
    assert sizes.keys() == {"utterances.onnx"} | (set() if int8 else {"utterances.onnx.data"})
    assert max(sizes.values()) > whole / (8 if int8 else 2)
    ours = Recognizer.from_pretrained(tmp_path / "moved")
    assert_equal_predictions(ours, trained, blind(corpus), 0.1 if int8 else 1e-5)


def test_a_copy_saved_from_a_loaded_one_is_equal(folder, saved, corpus):
    for path in folder.rglob("*.onnx"):
        assert (saved / path.relative_to(folder)).read_bytes() == path.read_bytes()
    assert_equal_predictions(
        Recognizer.from_pretrained(saved), Recognizer.from_pretrained(folder), blind(corpus), 0
    )


def test_saving_a_trained_model_over_an_exported_one_leaves_no_graphs(saved, trained):
    trained.save_pretrained(saved)
    assert not list(saved.rglob("*.onnx"))
    assert Recognizer.from_pretrained(saved).backend.kind == "torch"


def test_it_predicts_where_neither_torch_nor_transformers_can_be_imported(folder):
    absent = ("torch", "transformers", "timm", "sklearn", "matplotlib", "pandas", "pyarrow", "safetensors")
    code = f"""
import importlib.abc, sys

class Absent(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name.partition(".")[0] in {absent!r}:
            raise ModuleNotFoundError(name)

sys.meta_path.insert(0, Absent())
from sentir import Recognizer
print(Recognizer.from_pretrained({str(folder)!r}).predict("I am happy").label)"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.strip() == Recognizer.from_pretrained(folder).predict("I am happy").label, done.stderr


def test_an_exported_model_has_no_network(folder):
    ours = Recognizer.from_pretrained(folder)
    with pytest.raises(RecognizerError, match="exported"):
        _ = ours.model


def test_a_provider_is_for_exported_models_and_must_be_available(folder, trained, tmp_path):
    assert Recognizer.from_pretrained(folder, provider="cpu").backend.provider == "cpu"
    with pytest.raises(RecognizerError, match="coreml"):
        Recognizer.from_pretrained(folder, provider="coreml")
    trained.save_pretrained(tmp_path / "torch")
    with pytest.raises(RecognizerError, match="sentir export"):
        Recognizer.from_pretrained(tmp_path / "torch", provider="cuda")


def test_the_report_names_the_inputs_and_the_differences(folder, corpus):
    report = json.loads((folder / PARITY_FILE).read_text())
    assert report["inputs"] == "dev" and report["num_utterances"] == len(corpus.split("dev"))
    (graph,) = report["graphs"]
    assert graph["precision"] == "float32" and graph["max_logit_difference"] < 1e-5
    assert graph["label_agreement"] == {"emotion": 1.0, "feelings": 1.0}
    assert {"torch", "onnxruntime"} <= report["versions"].keys()


def change_golden(folder, change):
    batch, logits = golden.load_golden(folder)
    golden.save_golden(folder, batch, change(logits))


def test_a_runtime_whose_numbers_differ_is_refused_with_its_version(saved):
    change_golden(saved, lambda logits: logits + 0.01)
    with pytest.raises(RecognizerError, match=r"onnxruntime \d+\.\d+.*'cpu'"):
        Recognizer.from_pretrained(saved)


def test_small_differences_of_another_processor_are_not(saved):
    change_golden(saved, lambda logits: logits + 1e-5)
    Recognizer.from_pretrained(saved)


@pytest.mark.parametrize("content", [b"", b"PK no archive"])
def test_damaged_golden_inputs_are_named(saved, content):
    (saved / GOLDEN_FILE).write_bytes(content)
    with pytest.raises(RecognizerError, match=r"golden\.npz"):
        Recognizer.from_pretrained(saved)


@pytest.mark.parametrize("name", [GRAPH_FILES["utterances"], GRAPH_FILES["dialogues"], GOLDEN_FILE])
def test_a_missing_file_is_named(saved, name):
    (saved / name).unlink()
    with pytest.raises(RecognizerError, match=name):
        Recognizer.from_pretrained(saved)


def test_a_slow_model_is_replayed_once_per_machine(saved, monkeypatch):
    calls = []
    monkeypatch.setattr(
        OnnxBackend, "logits", lambda self, batch: calls.append(1) or golden.load_golden(saved)[1]
    )
    for limit, expected in ((10.0, 1), (10.0, 2), (0.0, 3), (0.0, 3)):
        monkeypatch.setattr(golden, "REPLAY_SECONDS", limit)
        Recognizer.from_pretrained(saved)
        assert len(calls) == expected, "a fast one is replayed each time"
    path = saved / GRAPH_FILES["dialogues"]
    path.write_bytes(path.read_bytes())
    Recognizer.from_pretrained(saved)
    assert len(calls) == 4, "a graph was written again"


def test_an_8_bit_model_agrees_in_labels(trained, exported_once, corpus, tmp_path):
    report = save_exported(trained, blind(corpus), tmp_path / "int8", int8=True, allow_loss=True)
    ours = Recognizer.from_pretrained(tmp_path / "int8")
    assert ours.backend.precision == "int8"
    assert [graph.precision for graph in report.graphs] == ["float32", "int8"]
    assert 1e-5 < report.graphs[1].max_logit_difference < 1
    together, u = ours.predict_utterances(blind(corpus)), blind(corpus)[:5]
    alone = ours.predict_utterances(u).probabilities
    np.testing.assert_allclose(alone, together.select(one.id for one in u).probabilities, atol=1e-7)


def make_report(precision, difference=0.0, ours=0.5, metric="weighted_f1") -> ParityReport:
    graph = GraphParity(precision, difference, difference, {"emotion": 1.0}, Score(ours))
    return ParityReport("dev", 200, (graph,), metric, Score(0.5))


def test_a_float32_export_that_differs_is_refused_whatever_is_allowed():
    require_parity(make_report("float32", 1e-4), allow_loss=False)
    for difference in (1.1e-4, float("nan")):
        with pytest.raises(RecognizerError, match="differs"):
            require_parity(make_report("float32", difference), allow_loss=True)


def test_an_8_bit_export_may_lose_half_a_point_or_what_is_allowed():
    require_parity(make_report("int8", 0.3, 0.4951), allow_loss=False)
    require_parity(make_report("int8", 0.3, 0.6), allow_loss=False)
    require_parity(make_report("int8", 0.3, 0.1), allow_loss=True)
    with pytest.raises(RecognizerError, match=r"0\.494 instead of 0\.500.*--allow-loss"):
        require_parity(make_report("int8", 0.3, 0.494), allow_loss=False)
    with pytest.raises(RecognizerError):
        require_parity(make_report("int8", 0.3, 0.51, "mae"), allow_loss=False)


def test_nothing_is_written_if_the_predictions_differ(trained, exported_once, corpus, tmp_path, monkeypatch):
    monkeypatch.setattr("sentir.export.parity.MAX_LOGIT_DIFFERENCE", 0.0)
    with pytest.raises(RecognizerError, match="nothing was written"):
        save_exported(trained, blind(corpus), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_full_disk_of_temporary_files_is_named(trained, exported_once, corpus, tmp_path, monkeypatch):
    def save(*_arguments, **_options):
        raise OSError(errno.ENOSPC, "No space left on device")  # onnx names no file

    monkeypatch.setattr(onnx, "save", save)
    with pytest.raises(SentirError, match=rf"{re.escape(gettempdir())}.* cannot be written: No space"):
        save_exported(trained, blind(corpus), tmp_path / "out")


@pytest.mark.slow
@pytest.mark.parametrize("name", PARTS)
def test_other_kinds_of_text_models(name, corpus, weights, tmp_path):
    recognizer = fit_recognizer(tiny_recipe(weights, **PARTS[name]), corpus)[0]
    save_exported(recognizer, blind(corpus), tmp_path / "out")
    assert_equal_predictions(Recognizer.from_pretrained(tmp_path / "out"), recognizer, blind(corpus))


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["hybrid_transformer", "multimodal"])
def test_the_command_without_a_corpus_compares_on_generated_utterances(kind, spoken, weights, tmp_path):
    recipe = (tiny_recipe if kind == "hybrid_transformer" else spoken_recipe)(weights, model={"kind": kind})
    fit_recognizer(recipe, spoken)[0].save_pretrained(tmp_path / "trained")
    done = sentir("export", tmp_path / "trained", "--out", tmp_path / "out", "--int8")
    assert done.returncode == 0, done.stderr
    assert "generated utterances" in done.stdout and "int8: logits differ by" in done.stdout
    assert json.loads((tmp_path / "out" / PARITY_FILE).read_text())["num_utterances"] >= 200
    assert sentir("predict", tmp_path / "out", "--text", "I am happy").returncode == 0
