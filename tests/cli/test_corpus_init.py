"""``sentir corpus init`` as a user meets it."""

import json
import os

from running import sentir


def write(folder, n=24):
    moods = ("alegría", "ira", "exc")
    lines = ["frase;emoción;código"] + [f"esto es la frase {i};{moods[i % 3]};{i % 3}" for i in range(n)]
    (folder / "charlas.csv").write_text("\n".join(lines), encoding="utf-8")


def test_a_recipe_is_written_and_audited_at_once(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write(tmp_path)
    done = sentir("corpus", "new", "charlas.csv")
    assert done.returncode == 0 and done.stderr == "", done.stderr
    assert "Written: charlas.toml" in done.stdout and "sentir corpus audit charlas.toml" in done.stdout
    assert "'código' reveals the label" in done.stdout and "exc (8)" in done.stdout
    done = sentir("corpus", "audit", "charlas.toml", "--json")
    assert done.returncode == 0, done.stderr
    counted = {row["label"]: sum(row[split] for split in ("train", "dev", "test"))
               for row in json.loads(done.stdout)["tables"]["labels"]}  # fmt: skip
    assert counted == {"anger": 8, "exc": 8, "joy": 8}


def test_what_was_seen_is_also_json_and_a_recipe_is_not_overwritten(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write(tmp_path)
    done = sentir("corpus", "new", "charlas.csv", "--out", "r.toml", "--json")
    found = json.loads(done.stdout)
    assert found["recipe"] == "r.toml" and {one["role"] for one in found["columns"]} == {"text", "label", ""}
    again = sentir("corpus", "new", "charlas.csv", "--out", "r.toml")
    assert again.returncode == 2 and "r.toml exists" in again.stderr
    assert sentir("corpus", "new", "charlas.csv", "--out", "r.toml", "--force").returncode == 0


def test_a_table_that_is_not_there_is_one_sentence(tmp_path):
    done = sentir("corpus", "new", os.fspath(tmp_path / "none.csv"))
    assert done.returncode == 2 and "There is no file" in done.stderr and "Traceback" not in done.stderr
