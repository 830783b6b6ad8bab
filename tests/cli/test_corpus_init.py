"""The command ``sentir corpus init``."""

import json
import os

from running import sentir


def write(folder, n=24):
    moods = ("alegría", "ira", "exc")
    lines = ["frase;emoción;código"] + [f"esto es la frase {i};{moods[i % 3]};{i % 3}" for i in range(n)]
    (folder / "charlas.csv").write_text("\n".join(lines), encoding="utf-8")


def test_the_recipe_can_be_audited_as_it_is(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write(tmp_path)
    done = sentir("corpus", "init", "charlas.csv")
    assert done.returncode == 0 and done.stderr == "", done.stderr
    assert "Written: charlas.toml" in done.stdout and "sentir corpus audit charlas.toml" in done.stdout
    assert "'código' reveals the label" in done.stdout and "exc (8)" in done.stdout
    done = sentir("corpus", "audit", "charlas.toml", "--json")
    assert done.returncode == 0, done.stderr
    counts = {row["label"]: sum(row[split] for split in ("train", "dev", "test"))
               for row in json.loads(done.stdout)["tables"]["labels"]}  # fmt: skip
    assert counts == {"anger": 8, "exc": 8, "joy": 8}


def test_the_inspection_is_also_json_and_a_recipe_is_not_overwritten(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write(tmp_path)
    done = sentir("corpus", "init", "charlas.csv", "--out", "r.toml", "--json")
    draft = json.loads(done.stdout)
    assert draft["recipe"] == "r.toml" and {one["role"] for one in draft["columns"]} == {"text", "label", ""}
    again = sentir("corpus", "init", "charlas.csv", "--out", "r.toml")
    assert again.returncode == 2 and "r.toml exists" in again.stderr
    assert sentir("corpus", "init", "charlas.csv", "--out", "r.toml", "--force").returncode == 0


def test_a_missing_table_is_one_sentence(tmp_path):
    done = sentir("corpus", "init", os.fspath(tmp_path / "none.csv"))
    assert done.returncode == 2 and "There is no file" in done.stderr and "Traceback" not in done.stderr
