"""``sentir corpus prepare``: its output, its exit codes, and its store."""

import csv
import json
import sys

import numpy as np
import pytest
import soundfile

from sentir import api
from sentir.audio import decoding
from sentir.audio.store import attach_audio
from sentir.cli import main, output
from sentir.errors import RecipeError
from sentir.paths import audio_dir

RECIPE = """
[data]
reader = "table"
[data.table]
file = "utterances.csv"
id = "id"
audio = "audio"
split = "split"
label = "label"
"""


@pytest.fixture
def corpus(tmp_path):
    """Seven utterances: five with usable clips, one with a broken file, one without audio."""
    draw = np.random.default_rng(0)
    with (tmp_path / "utterances.csv").open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(["id", "audio", "split", "label"])
        for n, split in enumerate(["train", "train", "train", "dev", "test"]):
            soundfile.write(tmp_path / f"{n}.wav", draw.normal(0, 0.1, 8_000), 16_000)
            table.writerow([f"u{n}", f"{n}.wav", split, "joy"])
        table.writerow(["[red]broken", "broken.wav", "train", "joy"])
        table.writerow(["silent", "", "dev", "sadness"])
    (tmp_path / "broken.wav").write_bytes(b"no sound" * 100)
    (tmp_path / "utterances.toml").write_text(RECIPE, encoding="utf-8")
    return tmp_path


@pytest.fixture
def call(capsys, monkeypatch, corpus):
    def run(*arguments):
        line = ["sentir", "corpus", "prepare", corpus / "utterances.toml", "--root", corpus, *arguments]
        monkeypatch.setattr(sys, "argv", [str(part) for part in line])
        monkeypatch.setattr(output.console, "_width", 200)
        with pytest.raises(SystemExit) as ended:
            main()
        return ended.value.code or 0, *capsys.readouterr()

    return run


def cells(line):
    return [cell.strip() for cell in line.strip("│┃").split("│")]


def test_counts_and_unusable_clips_are_printed_and_the_exit_code_is_1(call):
    code, out, _err = call()
    assert code == 1
    rows = {cells(line)[0]: cells(line)[1:] for line in out.splitlines() if line.startswith("│")}
    assert rows == {
        "train": ["4", "4", "3", "0.00"],
        "dev": ["2", "1", "1", "0.00"],
        "test": ["1", "1", "1", "0.00"],
    }
    assert "cannot be decoded: 1" in out and "    [red]broken: " in out and "    silent has no audio." in out
    assert (
        out.count("silent") == 1 and "Clips decoded: 6, in" in out and str(audio_dir()) in out.replace("\n", "")
    )
    assert "SENTIR_AUDIO_DIR" not in out


def test_three_problems_of_a_kind_are_shown_and_the_others_counted(call, corpus):
    with (corpus / "utterances.csv").open("a", encoding="utf-8") as file:
        file.writelines(f"more{n},,train,joy\n" for n in range(4))
    out = call()[1]
    assert out.count(" has no audio.") == 3 and "    2 more; --json lists them all" in out
    assert "broken" in out and out.count(" more; ") == 1


def test_a_second_run_decodes_nothing(call):
    call()
    assert "already in the store" in call()[1]


def test_with_everything_usable_the_exit_code_is_0(call, corpus):
    rows = (corpus / "utterances.csv").read_text(encoding="utf-8").splitlines()[:-2]
    (corpus / "utterances.csv").write_text("\n".join(rows), encoding="utf-8")
    code, out, _err = call()
    assert code == 0 and "Without usable audio" not in out


def test_json_lists_every_unusable_clip(call):
    code, out, _err = call("--json")
    found = json.loads(out)
    assert code == 1 and found["decoded_clips"] == 6 and found["decoded_seconds"] == pytest.approx(2.5)
    assert [(row["id"], row["kind"]) for row in found["unusable"]] == [
        ("[red]broken", "undecodable"),
        ("silent", "missing"),
    ]
    assert found["splits"][0]["seconds"] == pytest.approx(1.5)
    assert found["splits"][0]["problems"] == {"undecodable": 1}


def test_three_examples_of_a_kind_are_shown(call, corpus):
    with (corpus / "utterances.csv").open("a", encoding="utf-8") as file:
        file.writelines(f"gone{n},gone{n}.wav,train,joy\n" for n in range(5))
    out = call()[1]
    assert "no file: 6" in out and sum("gone" in line or "silent " in line for line in out.splitlines()) == 3


def test_a_store_in_another_folder_is_used_through_the_variable(call, corpus, monkeypatch):
    out = call("--out", corpus / "store", "--workers", "1")[1]
    assert f"SENTIR_AUDIO_DIR={corpus / 'store'}" in out.replace("\n", "")
    assert not audio_dir().exists()
    monkeypatch.setenv("SENTIR_AUDIO_DIR", str(corpus / "store"))
    monkeypatch.setattr(decoding, "decode_segments", lambda *_arguments: pytest.fail("it was decoded again"))
    data = api.load_recipe(corpus / "utterances.toml").data.model_copy(update={"audio": True})
    with_audio = attach_audio(api.load_corpus(data, corpus).train)
    assert [u.audio.mel is not None for u in with_audio] == [True, True, True, False]


def test_the_kind_of_mel_is_that_of_the_recipe_by_default(call, corpus):
    assert json.loads(call("--json")[1])["mel_kind"] == "mel"
    with (corpus / "utterances.toml").open("a", encoding="utf-8") as file:
        file.write('[model.audio]\nmel = "thesis"\n')
    assert json.loads(call("--json")[1])["mel_kind"] == "thesis"
    assert json.loads(call("--json", "--mel", "mel")[1])["mel_kind"] == "mel"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [(["--mel", "wide"], "'wide' is no kind of mel spectrogram"), (["--out", "{file}"], "name another folder")],
)
def test_a_bad_call_is_one_sentence_before_anything_is_decoded(arguments, words, call, corpus, monkeypatch):
    monkeypatch.setattr(decoding, "decode_segments", lambda *_arguments: pytest.fail("work was done"))
    code, _out, err = call(*(part.format(file=corpus / "utterances.csv") for part in arguments))
    assert code == 2 and words in err and len(err.strip().splitlines()) == 1


def test_a_corpus_without_clips_is_an_error(call, corpus):
    (corpus / "utterances.csv").write_text(
        "id,audio,split,label\na,,train,joy\nb,,dev,sadness\n", encoding="utf-8"
    )
    code, _out, err = call()
    assert code == 2 and "has no clips" in err


def test_an_unknown_kind_of_mel_is_an_error():
    with pytest.raises(RecipeError, match="use mel or thesis"):
        api.prepare_corpus("demo-meld", mel="cepstrum")


def test_incomplete_clips_are_counted_with_the_reason(call, corpus):
    for n in (0, 1):
        path = corpus / f"{n}.wav"
        path.write_bytes(path.read_bytes()[:12_000])
    code, out, _errors = call()
    assert "Used, but truncated: the file ends early: 2" in out
    assert "u0: The file should last 0.50 s and ends after 0.37 s" in out.replace("\n", " ")
    code, out, _errors = call("--json")
    noted = json.loads(out)["noted"]
    assert [(row["id"], row["kind"]) for row in noted] == [("u0", "truncated"), ("u1", "truncated")]
    assert code == 1
