"""``sentir corpus show``, ``clean``, ``export`` and ``get``: what they print and write, and their exit codes."""

import hashlib
import json
import sys
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from tiny_corpora import spoken_corpus
from web_server import Served, serving

from sentir import api
from sentir.cli import main, output
from sentir.corpus.corpus import Corpus
from sentir.corpus.utterances import Clip
from sentir.download import fetching
from sentir.download.sources import DOWNLOADABLE_CORPORA, PublishedFile
from sentir.readers import READERS, read_corpus
from sentir.recipe import DataSettings, TableSettings

NUM_TEST = 15


@pytest.fixture(scope="module")
def with_clips(tmp_path_factory):
    """The tiny corpus with clips, one utterance with an issue; a relative path as users give it."""
    return spoken_corpus(tmp_path_factory.mktemp("clips"))


@pytest.fixture
def tiny(with_clips, monkeypatch, one_store):
    monkeypatch.setitem(READERS._entries, "tiny", lambda root, data: with_clips)
    return with_clips


@pytest.fixture
def call(capsys, monkeypatch, tmp_path):
    def run(*arguments, root=tmp_path):
        line = ["sentir", "corpus", *arguments, *(["--root", root] if root else [])]
        monkeypatch.setattr(sys, "argv", [str(part) for part in line])
        monkeypatch.setattr(output.console, "_width", 160)
        with pytest.raises(SystemExit) as ended:
            main()
        return ended.value.code or 0, *capsys.readouterr()

    return run


def test_an_utterance_is_shown_with_its_context_and_spectrogram(tiny, call):
    u = tiny.find("dia0/utt1")
    code, out, _err = call("show", "dia0/utt1", "--corpus", "tiny", "--turns", "1")
    assert code == 0 and out.splitlines()[0] == "tiny/train/dia0/utt1"
    turns = [line for line in out.splitlines() if ": " in line][:3]
    assert turns[1] == f" ▶ Ben: {u.text}" and turns[0].startswith("   Ana: ") and turns[2].startswith("   Ana: ")
    assert u.labels["emotion"][0] in out and str(u.clip.path) in out
    assert sum(set(line) <= set(" ░▒▓█") and bool(line.strip()) for line in out.splitlines()) > 0


def test_test_labels_are_not_shown(tiny, call):
    _code, out, _err = call("show", "test/dia9/utt0", "--corpus", "tiny", "--turns", "0")
    facts = {line.split()[0]: line for line in out.splitlines() if line.strip()}
    assert "sealed" in facts["labels"] and "emotion" not in facts
    _code, out, _err = call("show", "test/dia9/utt0", "--corpus", "tiny", "--json")
    found = json.loads(out)
    assert found["labels"] is None and found["scores"] is None and found["text"] and len(found["after"]) == 3


def test_the_spectrogram_is_saved_to_a_file(tiny, call, tmp_path):
    code, out, _err = call("show", "dia0/utt1", "--corpus", "tiny", "--figure", tmp_path / "a.png")
    assert code == 0 and (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG") and "Written" in out
    assert "█" not in out


def test_a_spectrogram_file_is_shown_without_a_duration(corpus, call, tmp_path, monkeypatch, one_store):
    np.save(tmp_path / "s.npy", np.full((224, 224), -40, np.float32))
    with_spectrograms = [replace(u, clip=Clip(tmp_path / "s.npy")) for u in corpus]
    monkeypatch.setitem(
        READERS._entries, "tiny", lambda root, data: replace(corpus, utterances=tuple(with_spectrograms))
    )
    code, out, _err = call("show", "dia0/utt1", "--corpus", "tiny")
    (line,) = [line for line in out.splitlines() if line.startswith("clip")]
    assert code == 0 and line.endswith("s.npy") and "█" in out


def test_what_cannot_be_shown_is_one_sentence(tiny, corpus, call, tmp_path, monkeypatch):
    assert call("show", "dia0/ut1", "--corpus", "tiny")[0] == 2
    assert "did you mean tiny/train/dia0/utt1" in call("show", "dia0/ut1", "--corpus", "tiny")[2]
    monkeypatch.setitem(READERS._entries, "silent", lambda root, data: corpus)
    code, _out, err = call("show", "dia0/utt1", "--corpus", "silent", "--figure", tmp_path / "a.png")
    assert code == 2 and "has no clip" in err
    assert call("show", "dia0/utt1", "--corpus", "silent")[0] == 0


def test_an_undecodable_clip_is_reported(call, monkeypatch, corpus, tmp_path):
    from dataclasses import replace

    from sentir.corpus.utterances import Clip

    broken = tmp_path / "broken.wav"
    broken.write_bytes(b"no sound" * 100)
    rows = [replace(u, clip=Clip(broken)) for u in corpus.train]
    monkeypatch.setitem(
        READERS._entries, "broken", lambda *_: Corpus.build("b", rows, corpus.label_spaces.values())
    )
    code, out, _err = call("show", "dia0/utt1", "--corpus", "broken")
    assert code == 0 and "broken.wav" in out and "█" not in out
    code, _out, err = call("show", "dia0/utt1", "--corpus", "broken", "--figure", tmp_path / "a.png")
    assert code == 2 and "broken.wav" in err and not (tmp_path / "a.png").exists()


def test_cleaning_is_shown_with_counts_and_examples(tiny, call):
    code, out, _err = call("clean", "tiny", "--steps", "lowercase, drop_punctuation", "--examples", "1")
    assert code == 0 and "60 texts" in out and out.count("original") == 1
    code, out, _err = call("clean", "tiny", "--steps", "thesis", "--json")
    found = json.loads(out)
    assert len(found["effects"]) == 9 and found["num_texts"] == 60 and len(found["examples"]) == 3
    assert call("clean", "tiny", "--steps", "lower_case")[0] == 2


@pytest.mark.parametrize("suffix", ["parquet", "csv", "jsonl"])
@pytest.mark.parametrize("task", ["emotion", "feelings"])
def test_an_exported_table_is_read_back_unchanged(tiny, call, tmp_path, suffix, task):
    out = tmp_path / "deep" / f"tiny.{suffix}"
    code, printed, _err = call("export", "tiny", "--out", out)
    assert code == 0 and f"labels of the {NUM_TEST} test utterances are left out" in printed
    assert [path.name for path in out.parent.iterdir()] == [out.name]
    names = ("id", "split", "dialogue", "speaker", "text", "start", "end")
    table = TableSettings(
        **{name: name for name in names}, audio="path", label=task, features=("feature.duration",)
    )
    found = read_corpus(DataSettings(reader="table", task=task, audio=True, table=table), out)
    assert len(found) == len(tiny)
    for u, back in zip(tiny, found, strict=True):
        assert (back.id, back.split, back.turn, back.speaker, back.text) == (
            u.id,
            u.split,
            u.turn,
            u.speaker,
            u.text,
        )
        assert (back.clip is None) == (u.clip is None) and (
            u.clip is None or back.clip.path.samefile(u.clip.path)
        )
        assert back.numeric_features["feature.duration"] == u.numeric_features["duration"]
        assert back.labels == ({} if u.split == "test" else {task: u.labels[task]})
    unlabeled = [issue.where for issue in found.issues if issue.kind == "label_missing"]
    assert unlabeled == [u.id for u in tiny.test] and len(unlabeled) == NUM_TEST


def test_rows_of_a_table_are_in_the_order_of_turns(tiny, call, tmp_path, monkeypatch):
    order = np.random.default_rng(0).permutation(len(tiny))
    mixed = Corpus.build("mixed", [tiny.utterances[n] for n in order], tiny.label_spaces.values())
    monkeypatch.setitem(READERS._entries, "mixed", lambda *_: mixed)
    call("export", "mixed", "--out", tmp_path / "mixed.csv")
    frame = pd.read_csv(tmp_path / "mixed.csv")
    assert len(frame) == len(tiny)
    assert all(list(group["turn"]) == sorted(group["turn"]) for _key, group in frame.groupby("dialogue"))


def test_an_unsupported_or_unwritable_table_is_an_error(tiny, call, tmp_path):
    code, _out, err = call("export", "tiny", "--out", tmp_path / "tiny.xlsx")
    assert code == 2 and ".parquet, .csv, .jsonl" in err
    (tmp_path / "file").write_text("")
    code, _out, err = call("export", "tiny", "--out", tmp_path / "file" / "tiny.csv")
    assert code == 2 and "cannot be written" in err


@pytest.mark.shared_data
@pytest.mark.parametrize(
    ("name", "task", "suffix"),
    [("meld", "sentiment", "csv"), pytest.param("mosei", "emotion", "parquet", marks=pytest.mark.slow)],
)
def test_real_corpora_come_back_from_their_tables(shared_data, tmp_path, name, task, suffix):
    out = tmp_path / f"{name}.{suffix}"
    written = api.export_corpus(name, out, root=shared_data / name)
    table = TableSettings(id="id", split="split", dialogue="dialogue", text="text", label=task)
    found = read_corpus(DataSettings(reader="table", task=task, table=table), out)
    assert len(found) == len(written) > 10_000
    assert all(found.by_id[u.id].labels.get(task) == u.labels.get(task) for u in written)
    assert all(
        (found.by_id[u.id].text, found.by_id[u.id].turn) == (u.text, n)
        for dialogue in written.dialogues.values()
        for n, u in enumerate(dialogue.utterances)
    )


@pytest.fixture
def served(monkeypatch, tmp_path):
    content = b"archive" * 300_000
    monkeypatch.setattr(fetching, "RETRY_DELAYS", (0.0,))
    with serving(Served(content)) as server:
        archive = PublishedFile(server.url, len(content), hashlib.sha256(content).hexdigest())
        monkeypatch.setitem(DOWNLOADABLE_CORPORA.get("meld").remote_files, "original", archive)
        yield server


def test_get_prints_source_size_license_and_the_next_command(served, call, tmp_path):
    code, out, _err = call("get", "meld", "--source", "original", "--out", tmp_path / "my meld", root=None)
    assert code == 0 and served.url in out and "2.1 MB" in out and "GPL-3.0" in out
    assert (tmp_path / "my meld" / "corpus.tar.gz").read_bytes() == served.content
    assert out.splitlines()[-1].strip() == f"sentir corpus audit meld --root '{tmp_path / 'my meld'}'"
    code, out, _err = call("get", "meld", "--source", "original", "--out", tmp_path / "my meld", root=None)
    assert code == 0 and "already downloaded" in out and len(served.requested_ranges) == 1


def test_a_large_download_needs_confirmation(served, call, tmp_path, monkeypatch):
    monkeypatch.setattr("sentir.download.corpora.CONFIRM_BYTES", 1000)
    get = ("get", "meld", "--source", "original", "--out", tmp_path)
    code, _out, err = call(*get, root=None)
    assert code == 2 and "--yes" in err and not served.requested_ranges
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    for answer, code in (("n", 1), ("y", 0)):
        monkeypatch.setattr("typer.confirm", lambda _question, answer=answer: answer == "y")
        assert call(*get, root=None)[0] == code
    assert len(served.requested_ranges) == 1
    (tmp_path / "corpus.tar.gz").unlink()
    assert call(*get, "--yes", root=None)[0] == 0


def test_ctrl_c_keeps_the_partial_download(served, call, tmp_path, monkeypatch):
    chunks = fetching._iter_chunks

    def interrupted(answer):
        yield next(chunks(answer))
        raise KeyboardInterrupt

    monkeypatch.setattr(fetching, "_iter_chunks", interrupted)
    get = ("get", "meld", "--source", "original", "--out", tmp_path)
    code, out, _err = call(*get, root=None)
    assert code == 130 and "run the same command to resume" in out
    monkeypatch.setattr(fetching, "_iter_chunks", chunks)
    code, out, _err = call(*get, root=None)
    assert code == 0 and "of which" in out and served.requested_ranges[-1].startswith("bytes=")
