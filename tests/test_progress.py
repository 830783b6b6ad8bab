"""Progress on standard error."""

import logging
from io import StringIO

import pytest
from rich.console import Console

from sentir import progress
from sentir.logs import logger
from sentir.progress import progress_bar, show_progress, track


def test_names_in_brackets_are_printed_as_they_are(capsys):
    with show_progress(), progress_bar("[/b]", total=1) as advance:
        logger.info("[x] wins over [/b]")
        advance(1)
    assert "[x] wins over [/b]" in capsys.readouterr().err


def test_nothing_is_printed_outside_of_show_progress(capsys):
    with progress_bar("[/b]", total=1) as advance:
        logger.info("quiet")
        advance(1)
    assert capsys.readouterr() == ("", "")


def test_messages_go_to_the_logger_of_the_library(caplog, capsys):
    with caplog.at_level(logging.INFO, "sentir"):
        logger.info("at work")
        logger.warning("a warning")
    assert [(r.name, r.levelname, r.message) for r in caplog.records] == [
        ("sentir", "INFO", "at work"),
        ("sentir", "WARNING", "a warning"),
    ]
    assert capsys.readouterr() == ("", "")


def test_show_progress_prints_messages_once_and_leaves_them_to_no_other_handler(caplog, capsys):
    with show_progress(), show_progress():
        logger.info("at work")
        for _again in range(2):
            logger.warning("a warning")
    assert capsys.readouterr().err.splitlines() == ["at work", "a warning"]
    assert caplog.records == [] and logger.handlers == [] and logger.propagate and logger.level == 0


def test_only_the_first_process_of_a_training_logs_and_messages_are_printable(caplog, monkeypatch):
    logger.warning("a\x1b[2J\ud800")
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setenv("RANK", "1")
    logger.warning("the same")
    assert caplog.messages == ["a\ufffd[2J\ufffd"]


@pytest.mark.parametrize(
    ("is_terminal", "switch", "shown"), [(True, "1", True), (True, "0", False), (False, "1", False)]
)
def test_bars_are_drawn_on_a_terminal_unless_they_are_switched_off(monkeypatch, is_terminal, switch, shown):
    monkeypatch.setenv("TERM", "xterm")  # nothing is drawn on a dumb one
    terminal = StringIO()
    console = Console(file=terminal, force_terminal=is_terminal, width=80)
    monkeypatch.setattr(progress, "_console", lambda: console)
    monkeypatch.setattr(progress, "_DELAY_SECONDS", 0.0)
    monkeypatch.setenv(progress.PROGRESS_VARIABLE, switch)
    for _item in track(range(3), "Decoding", 3):
        if (bars := progress._current_progress.get()) is not None:
            bars.refresh()
    assert ("Decoding" in terminal.getvalue()) is shown
    assert progress._current_progress.get() is None
    for _item in track(range(1), "One text", 1):
        assert progress._current_progress.get() is None, "a bar of one step shows nothing"
    with show_progress(False):
        before = terminal.tell()
        for _item in track(range(3), "Reading", 3):
            progress._current_progress.get().refresh()
        assert "Reading" not in terminal.getvalue()[before:]
