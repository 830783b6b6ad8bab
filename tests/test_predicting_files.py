"""Predicting into a file: part by part, resumed, in shares and processes, to the bytes of one call in memory."""

import json
import os

import numpy as np
import pytest
from audio_files import tone, write_wav
from bag_of_words import save_bag_of_words, write_talks
from typer.testing import CliRunner

from sentir import api
from sentir.api.part_files import PartsRun, parts_folder
from sentir.cli.app import app
from sentir.engines.local import LocalEngine
from sentir.engines.shards import Share
from sentir.engines.worker import Worker
from sentir.errors import CorpusError, SentirError
from sentir.recognizer import table_shards


@pytest.fixture(scope="module")
def model(corpus, tmp_path_factory):
    return save_bag_of_words(corpus, tmp_path_factory.mktemp("baseline") / "model")


@pytest.fixture
def table(tmp_path, monkeypatch):
    monkeypatch.setattr(table_shards, "TEXTS_PER_SHARD", 6)
    return write_talks(tmp_path / "talks.csv", 40)


def write_in_memory(model, table, path):
    rows = api.predict(model, table)
    api.write_predictions(rows, path)
    return path.read_bytes()


def predict_to(model, items, path, **options):
    written = api.predict_to_file(model, items, path, **options)
    assert not parts_folder(path).exists() or not options["run"].share.is_all
    return written


@pytest.mark.parametrize("suffix", ["csv", "tsv", "jsonl", "parquet", "xlsx"])
def test_the_file_is_that_of_one_call_in_memory(model, table, tmp_path, suffix):
    path = tmp_path / f"out.{suffix}"
    written = predict_to(model, [table], path)
    assert (written.rows, written.problems) == (40, 7) and written.column_names["label"] == "sentir_label"
    expected = write_in_memory(model, table, tmp_path / f"expected.{suffix}")
    if suffix == "xlsx":  # which has the time of writing
        pd = pytest.importorskip("pandas")
        assert pd.read_excel(path).equals(pd.read_excel(tmp_path / "expected.xlsx"))
    else:
        assert path.read_bytes() == expected


def test_inputs_of_all_kinds_keep_their_order_and_columns(model, table, tmp_path):
    other = tmp_path / "b.jsonl"
    other.write_text('{"text": "hello", "id": "mine", "mood": "x"}\n{"text": "so lonely"}\n', encoding="utf-8")
    clip = write_wav(tmp_path / "a.wav", tone(0.3), 16_000)
    items = ["What?", other, clip, table, "hello"]
    predict_to(model, items, tmp_path / "out.csv")
    api.write_predictions(api.predict(model, items), tmp_path / "expected.csv")
    assert (tmp_path / "out.csv").read_bytes() == (tmp_path / "expected.csv").read_bytes()


def test_a_run_that_stopped_is_resumed_and_one_with_other_inputs_starts_over(model, table, tmp_path, monkeypatch):
    from sentir.api import predicting_files

    path, done = tmp_path / "out.csv", []
    real = predicting_files.predict_inputs

    def predict_inputs(recognizer, inputs, **options):
        done.append(inputs.rows[0].id)
        if len(done) == 3:
            raise KeyboardInterrupt
        return real(recognizer, inputs, **options)

    monkeypatch.setattr(predicting_files, "predict_inputs", predict_inputs)
    with pytest.raises(KeyboardInterrupt):
        predict_to(model, [table], path)
    assert not path.exists() and len([*parts_folder(path).glob("*.jsonl")]) == 2
    predict_to(model, [table], path, run=PartsRun(resume=True))
    assert len(done) == len({*done}) + 1 and path.read_bytes() == write_in_memory(
        model, table, tmp_path / "x.csv"
    )
    done[:] = ["", "", ""]
    predict_to(model, [table], path, run=PartsRun(resume=True), abstain=False)
    assert len(done) == 3 + len([*range(0, 40, 10)])


def test_jobs_of_an_array_write_shares_and_another_one_the_file(model, table, tmp_path):
    path, rows = tmp_path / "out.csv", 0
    for n in (2, 1, 3):
        written = predict_to(model, [table], path, run=PartsRun(share=Share(n, 3)))
        rows += written.rows
        assert not path.exists() and written.column_names == {}
    assert rows == 40
    predict_to(model, [table], path, run=PartsRun(resume=True))
    assert path.read_bytes() == write_in_memory(model, table, tmp_path / "x.csv")


@pytest.mark.slow
def test_processes_write_the_same_bytes(model, table, tmp_path):
    path = tmp_path / "out.parquet"
    predict_to(model, [table], path, run=PartsRun(LocalEngine(2)))
    assert path.read_bytes() == write_in_memory(model, table, tmp_path / "x.parquet")


def test_wrong_inputs_are_refused_and_leave_nothing(model, table, tmp_path):
    for items, message in (
        ([table, table], "given twice"),
        ([tmp_path / "missing.csv"], "missing.csv"),
        ([write_wav(tmp_path / "a.wav", tone(0.3), 16_000)], "needs text"),
    ):
        with pytest.raises(CorpusError, match=message):
            predict_to(model, items, tmp_path / "out.csv")
    with pytest.raises(SentirError, match=r"out\.doc"):
        predict_to(model, [table], tmp_path / "out.doc")
    assert sorted(os.listdir(tmp_path)) == ["a.wav", "talks.csv"]


@pytest.mark.parametrize("suffix", ["npy", "csv", "parquet"])
def test_vectors_in_parts_are_those_of_one_call_in_memory(trained_models, table, tmp_path, suffix):
    folder = trained_models.folder("text", "torch")
    problems = api.embed_to_file(folder, [table], tmp_path / f"parts.{suffix}")
    assert problems == api.write_embeddings(folder, [table], tmp_path / f"one.{suffix}") and len(problems) == 7
    parts, one = (_load_vectors(tmp_path / f"{name}.{suffix}") for name in ("parts", "one"))
    assert parts[0] == one[0] and len(parts[0]) == 40
    np.testing.assert_allclose(parts[1], one[1], atol=1e-6)
    assert not parts_folder(tmp_path / f"parts.{suffix}").exists()


def _load_vectors(path):
    if path.suffix == ".npy":
        return json.loads(path.with_suffix(".ids.json").read_text()), np.load(path)
    pd = pytest.importorskip("pandas")
    frame = pd.read_parquet(path) if path.suffix == ".parquet" else pd.read_csv(path)
    return frame["id"].tolist(), frame.drop(columns="id").to_numpy()


class KillingEngine:
    """Works in this process, and says that the process was killed wherever one row of a table is worked on."""

    def __init__(self, row):
        self.row = row

    def map(self, shards, work):
        worker = Worker(work)
        for shard in shards:
            is_killed = any(one.utterance.id.endswith(f":{self.row}") for _place, one in work.reader.read(shard))
            yield shard, None if is_killed else worker.run(shard)


def test_only_the_dialogue_that_kills_its_workers_is_lost(model, table, tmp_path):
    path = tmp_path / "out.jsonl"
    written = predict_to(model, [table], path, run=PartsRun(KillingEngine(8)))
    assert (written.rows, written.problems) == (40, 7 + 4)  # one of the five rows of the dialogue has no text
    expected = write_in_memory(model, table, tmp_path / "expected.jsonl")
    pairs = list(
        zip(*(map(json.loads, text.splitlines()) for text in (path.read_bytes(), expected)), strict=True)
    )
    assert [n for n, (ours, theirs) in enumerate(pairs) if ours != theirs] == [5, 6, 7, 8, 9]
    assert all("killed twice" in pairs[n][0]["problem"] for n in (5, 6, 7, 8, 9))


def test_pieces_of_parts_keep_the_order_of_overlapping_dialogues(trained_models, tmp_path):
    table = tmp_path / "talks.csv"
    rows = "".join(f"hello {n},{'abc'[n % 3]}\n" for n in range(9))
    table.write_text(f"text,dialogue\n{rows}", encoding="utf-8")
    folder = trained_models.folder("text", "torch")
    problems = api.embed_to_file(folder, [table], tmp_path / "v.npy", run=PartsRun(KillingEngine(2)))
    assert [key.rpartition(":")[2] for key in problems] == ["2", "5", "8"]
    api.write_embeddings(folder, [table], tmp_path / "one.npy")
    (ids, ours), (same, theirs) = (_load_vectors(tmp_path / f"{name}.npy") for name in ("v", "one"))
    assert ids == same and np.flatnonzero(np.isnan(ours[:, 0])).tolist() == [1, 4, 7]
    kept = ~np.isnan(ours[:, 0])
    np.testing.assert_allclose(ours[kept], theirs[kept], atol=1e-6)


def test_the_command_line_takes_shares_and_says_what_is_next(model, table, tmp_path):
    run, out = CliRunner().invoke, tmp_path / "out.csv"
    command = ["predict", str(model), str(table)]
    for n in ("1", "2"):
        done = run(app, [*command, "--out", str(out), "--shard", f"{n}/2"])
        assert "--resume instead of --shard" in " ".join(done.output.split()) and not out.exists()
    done = run(app, [*command, "--out", str(out), "--resume"])
    assert done.exit_code == 1 and "7 could not be predicted" in " ".join(done.output.split())
    assert out.read_bytes() == write_in_memory(model, table, tmp_path / "expected.csv")
    for options, message in (
        (["--resume"], "need --out"),
        (["--out", str(out), "--shard", "3/2"], "no share"),
        (["--out", str(out), "--engine", "slurm"], "local or ray"),
    ):
        refused = run(app, [*command, *options])
        assert refused.exit_code != 0 and message in str(refused.exception)
