"""Every example of the page on serving runs, in both languages, against a server on a socket."""

import json
import re
import shlex
import socket
import struct
import subprocess
import threading
import time
from importlib.util import find_spec
from pathlib import Path
from shutil import which

import numpy as np
import pytest
import typer
import uvicorn
from audio_files import tone, write_wav

from sentir.cli.app import app as commands
from sentir.serving.app import create_app
from sentir.serving.purposes import PURPOSES
from sentir.serving.settings import Limits, ServerSettings

DOCS = Path(__file__).parents[2] / "docs"
PAGES = ("en/serving.md", "es/serving.md")


def blocks(page, language):
    text = (DOCS / page).read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)


LINES = [line for block in blocks(PAGES[0], "sh") for line in block.splitlines()]


def test_both_languages_have_the_same_examples():
    assert all(blocks(PAGES[0], kind) == blocks(PAGES[1], kind) for kind in ("python", "sh"))


@pytest.mark.parametrize("page", PAGES)
def test_the_page_names_every_purpose_and_the_limits(page):
    text, limits = (DOCS / page).read_text(encoding="utf-8"), Limits()
    assert all(f"`{name}`" in text for name in PURPOSES)
    numbers = re.sub(r"(?<=\d)[, \u202f](?=\d{3})", "", text)
    for number in (limits.max_inputs, limits.max_characters, limits.max_queued_inputs, limits.max_files):
        assert str(number) in numbers
    assert f"`--max-body-mb` {limits.max_body_bytes // 1024**2}" in text
    assert f"`--max-seconds` {limits.max_seconds:g}" in text
    at_once = (limits.max_concurrent_requests, limits.max_timelines, limits.max_streams)
    assert all(re.search(rf"\b{n}\b", text) for n in at_once)


@pytest.mark.parametrize("line", [line for line in LINES if line.startswith("sentir ")])
def test_commands_are_valid(line):
    name, *arguments = shlex.split(line)[1:]
    command = typer.main.get_command(commands).commands[name]
    assert command.make_context("sentir", arguments).params["model" if name == "card" else "models"]


@pytest.fixture(scope="module")
def port(both_model):
    """The port of a running server."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(create_app({"mine": both_model}, ServerSettings(purpose="research"))))
    thread = threading.Thread(target=server.run, args=([listener],))
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield listener.getsockname()[1]
    server.should_exit = True
    thread.join()


@pytest.fixture
def folder(tmp_path, monkeypatch):
    write_wav(tmp_path / "clip.wav", tone(1.2), 16_000)
    pause = np.zeros(12_000, np.float32)
    write_wav(tmp_path / "talk.wav", np.concatenate([pause, 0.5 * tone(2.0), pause]), 16_000)
    monkeypatch.chdir(tmp_path)


@pytest.mark.skipif(which("curl") is None, reason="curl is not installed")
@pytest.mark.usefixtures("one_store", "folder")
@pytest.mark.parametrize("line", [line for line in LINES if line.startswith("curl ")])
def test_the_requests_of_the_shell_run(line, port):
    done = subprocess.run(shlex.split(line.replace(":8000", f":{port}")), capture_output=True, text=True)
    assert done.stdout.startswith('{"model":"mine"') and '"problem":""}' in done.stdout


@pytest.mark.usefixtures("one_store", "folder")
def test_the_python_examples_run(port):
    names = {}
    for block in blocks(PAGES[0], "python"):
        if find_spec("sentir.timelines") or "v1/emotions" in block:
            exec(compile(block.replace(":8000", f":{port}"), PAGES[0], "exec"), names)
    assert [row["label"] is not None for row in names["response"].json()["predictions"]] == [True, True]
    if "timeline" in names:
        assert names["job"]["status"] == "done" and names["timeline"]["recording"]["file"] == "talk.wav"
        assert names["events"][-1]["type"] == "closed"


@pytest.mark.usefixtures("one_store", "folder")
def test_a_stream_goes_on_after_its_socket_is_cut(port):
    from websockets.sync.client import connect

    content, url, events = Path("talk.wav").read_bytes()[44:], f"ws://127.0.0.1:{port}/v1/stream", []
    with connect(url) as connection:
        events.append(json.loads(connection.recv()))
        connection.send(content[:40_000])
        connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.socket.close()  # a reset, without a close frame
    with connect(f"{url}?session={events[0]['session']}&received=1") as connection:
        resumed = json.loads(connection.recv())
        assert resumed["type"] == "resumed" and resumed["bytes"] in (0, 40_000)
        connection.send(content[resumed["bytes"] :])
        connection.send('{"type": "finish"}')
        events += [json.loads(event) for event in connection]
    assert [one["sequence"] for one in events] == list(range(len(events))) and events[-1]["type"] == "closed"
    assert len(events[-1]["timeline"]["turns"]) == len([one for one in events if one["type"] == "speech_ended"])
    assert events[-1]["timeline"]["recording"]["seconds"] == 3.5
