"""``sentir serve``: models by name, the token, refusals, and a server that starts, predicts and stops."""

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from tiny_corpora import tiny_recipe
from websockets.sync.client import connect

from sentir.cli.serve import as_url_host, name_models, read_token
from sentir.errors import SentirError
from sentir.training.recognizers import fit_recognizer


def test_models_are_named_by_their_folder_or_as_told(tmp_path):
    (tmp_path / "a=b").mkdir()
    odd = str(tmp_path / "a=b")
    assert name_models(["models/mine", "other=models/mine", odd]) == {
        "mine": "models/mine", "other": "models/mine", "a=b": odd,
    }  # fmt: skip
    with pytest.raises(SentirError, match="Two models are called 'mine'"):
        name_models(["a/mine", "b/mine"])


def test_an_ipv6_host_is_in_brackets_in_an_address():
    assert as_url_host("::1") == "[::1]"
    assert as_url_host("127.0.0.1") == "127.0.0.1"


def test_tokens_are_one_line_of_ascii(tmp_path, monkeypatch):
    monkeypatch.delenv("SENTIR_TOKEN", raising=False)
    assert read_token(None) == ""
    monkeypatch.setenv("SENTIR_TOKEN", "abc")
    assert read_token(None) == "abc"
    (tmp_path / "token").write_text("s3cret-~\n")
    assert read_token(tmp_path / "token") == "s3cret-~"
    for content in ("", "two words", "ñ", "a\nb"):
        (tmp_path / "token").write_text(content, encoding="utf-8")
        with pytest.raises(SentirError, match="A token is one line"):
            read_token(tmp_path / "token")
    with pytest.raises(SentirError, match="cannot be read"):
        read_token(tmp_path / "none")


@pytest.fixture(scope="module")
def model(corpus, weights, tmp_path_factory):
    folder = tmp_path_factory.mktemp("serve") / "mine"
    fit_recognizer(tiny_recipe(weights), corpus)[0].save_pretrained(folder)
    return folder


def test_an_unknown_purpose_is_refused_before_a_model_is_loaded(tmp_path):
    command = [sys.executable, "-m", "sentir", "serve", str(tmp_path / "none"), "--purpose", "fun"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 2 and "There is no purpose 'fun'" in done.stderr


@pytest.mark.slow
def test_a_server_starts_predicts_and_stops(model):
    command = [sys.executable, "-m", "sentir", "serve", f"mine={model}", "--port", "0", "--host", "0.0.0.0"]
    environment = {key: value for key, value in os.environ.items() if key != "SENTIR_TOKEN"}
    server = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, cwd=Path(model).parent, env=environment)
    lines = []
    for line in server.stderr:
        lines.append(json.loads(line))
        if found := re.search(r"running on http://0.0.0.0:(\d+)", lines[-1]["message"]):
            break
    url = f"http://127.0.0.1:{found[1]}"
    body = httpx.post(f"{url}/v1/emotions", json={"inputs": "I am happy."}, timeout=30).json()
    with connect(f"ws://127.0.0.1:{found[1]}/v1/stream?session=secret") as stream:
        assert json.loads(stream.recv())["code"] == "unknown_session"
    server.send_signal(signal.SIGTERM)
    lines += [json.loads(line) for line in server.stderr.read().splitlines()]
    assert body["model"] == "mine" and body["predictions"][0]["label"]
    assert server.wait(10) in (0, -signal.SIGTERM)
    assert "without a token" in lines[0]["message"] and "complete" in lines[-2]["message"]
    assert "happy" not in json.dumps(lines) and "secret" not in json.dumps(lines)
    assert [line["route"] for line in lines if line["message"] == "request"] == ["/v1/emotions", "/v1/stream"]
