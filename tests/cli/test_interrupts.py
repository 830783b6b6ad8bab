"""Ctrl-C and SIGTERM: one line that says how to resume, and the exit codes of shells."""

import os
import signal
import sys

import pytest

from sentir import api
from sentir.cli import main

COMMANDS = {
    "train": (["train", "recipe.toml", "--out", "out"], "train"),
    "study": (["study", "recipe.toml", "--out", "out"], "run_study"),
    "tune": (["tune", "recipe.toml", "--out", "out"], "tune"),
    "prepare": (["corpus", "prepare", "demo-meld"], "prepare_corpus"),
}


@pytest.fixture
def call(tmp_path, monkeypatch, capsys):
    (tmp_path / "recipe.toml").write_text('[data]\nreader = "demo-meld"\n')
    monkeypatch.chdir(tmp_path)

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["sentir", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        return ended.value.code, capsys.readouterr().err

    return run


@pytest.fixture
def default_sigint():
    """Enable Ctrl-C also when the tests run in the background, where shells ignore it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("default_sigint")
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
@pytest.mark.parametrize("command", COMMANDS)
def test_a_stopped_command_prints_how_to_resume(command, number, code, call, monkeypatch):
    arguments, verb = COMMANDS[command]
    before = signal.getsignal(signal.SIGTERM)
    monkeypatch.setattr(api, verb, lambda *_arguments, **_keywords: os.kill(os.getpid(), number))
    exit_code, error = call(*arguments)
    assert exit_code == code
    assert error == "Stopped. Run the same command again to resume.\n"
    assert signal.getsignal(signal.SIGTERM) == before


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        RuntimeError("[enforce fail at alloc_cpu.cpp:118] DefaultCPUAllocator: can't allocate memory"),
        RuntimeError("can't start new thread"),
        ImportError("libtorch_cpu.so: failed to map segment from shared object"),
    ],
)
def test_out_of_memory_is_one_sentence(error, call, monkeypatch):
    def fails(*_arguments, **_keywords):
        raise error

    monkeypatch.setattr(api, "train", fails)
    code, error = call("train", "recipe.toml", "--out", "out")
    assert code == 2 and error.startswith("Error: Out of memory") and error.count("\n") == 1


def test_other_errors_of_the_program_are_not_hidden(call, monkeypatch):
    def fails(*_arguments, **_keywords):
        raise RuntimeError("a bug")

    monkeypatch.setattr(api, "train", fails)
    with pytest.raises(RuntimeError, match="a bug"):
        call("train", "recipe.toml", "--out", "out")


def test_a_rank_without_torchrun_is_one_sentence(call, monkeypatch):
    monkeypatch.setenv("RANK", "1")
    code, error = call("train", "recipe.toml", "--out", "out")
    assert code == 2 and "RANK=1" in error and error.count("\n") == 1
