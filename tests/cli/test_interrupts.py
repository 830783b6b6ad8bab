"""Ctrl-C and SIGTERM: one line that says how to go on, the exit codes of shells, and nothing lost."""

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
def attentive():
    """Ctrl-C interrupts, also where the tests run in the background, whose shell has it ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("attentive")
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_that_is_stopped_says_how_to_go_on(command, number, code, call, monkeypatch):
    arguments, verb = COMMANDS[command]
    before = signal.getsignal(signal.SIGTERM)
    monkeypatch.setattr(api, verb, lambda *_arguments, **_keywords: os.kill(os.getpid(), number))
    found, error = call(*arguments)
    assert found == code
    assert error == "Stopped. Run the same command again: it goes on from there.\n"
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
def test_a_limit_of_memory_is_a_sentence(error, call, monkeypatch):
    def fails(*_arguments, **_keywords):
        raise error

    monkeypatch.setattr(api, "train", fails)
    code, said = call("train", "recipe.toml", "--out", "out")
    assert code == 2 and said.startswith("Error: The system gives no more memory") and said.count("\n") == 1


def test_other_errors_of_the_program_are_not_hidden(call, monkeypatch):
    def fails(*_arguments, **_keywords):
        raise RuntimeError("a fault of ours")

    monkeypatch.setattr(api, "train", fails)
    with pytest.raises(RuntimeError, match="a fault of ours"):
        call("train", "recipe.toml", "--out", "out")


def test_a_rank_without_torchrun_is_a_sentence(call, monkeypatch):
    monkeypatch.setenv("RANK", "1")
    code, said = call("train", "recipe.toml", "--out", "out")
    assert code == 2 and "RANK=1" in said and said.count("\n") == 1
