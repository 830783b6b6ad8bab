"""Progress on standard error."""

import logging
from io import StringIO

import pytest
from rich.console import Console

from sentir import progress
from sentir.progress import log_info, log_warning, logger, progress_bar, show_progress, track


def test_names_in_brackets_are_printed_as_they_are(capsys):
    with show_progress(), progress_bar("[/b]", total=1) as advance:
        log_info("[x] wins over [/b]")
        advance(1)
    assert "[x] wins over [/b]" in capsys.readouterr().err


def test_nothing_is_printed_where_nobody_asked_for_progress(capsys):
    with progress_bar("[/b]", total=1) as advance:
        log_info("quiet")
        advance(1)
    assert capsys.readouterr() == ("", "")


def test_what_is_said_goes_to_the_logger_of_the_library(caplog, capsys):
    with caplog.at_level(logging.INFO, "sentir"):
        log_info("at work")
        log_warning("mind this")
    assert [(r.name, r.levelname, r.message) for r in caplog.records] == [
        ("sentir", "INFO", "at work"),
        ("sentir", "WARNING", "mind this"),
    ]
    assert capsys.readouterr() == ("", "")


def test_inside_show_progress_it_is_printed_once_and_handed_to_nobody_else(caplog, capsys):
    with show_progress(), show_progress():
        log_info("at work")
        for _again in range(2):
            log_warning("mind this")
    assert capsys.readouterr().err.splitlines() == ["at work", "mind this"]
    assert caplog.records == [] and logger.handlers == [] and logger.propagate and logger.level == 0


@pytest.mark.parametrize(
    ("looks_on", "switch", "shown"), [(True, "1", True), (True, "0", False), (False, "1", False)]
)
def test_bars_are_drawn_where_a_person_looks_and_has_not_switched_them_off(monkeypatch, looks_on, switch, shown):
    monkeypatch.setenv("TERM", "xterm")  # nothing is drawn on a dumb one
    terminal = StringIO()
    console = Console(file=terminal, force_terminal=looks_on, width=80)
    monkeypatch.setattr(progress, "_console", lambda: console)
    monkeypatch.setattr(progress, "_DELAY_SECONDS", 0.0)
    monkeypatch.setenv(progress.PROGRESS_VARIABLE, switch)
    for _item in track(range(3), "Listening", 3):
        if progress._current_progress is not None:
            progress._current_progress.refresh()
    assert ("Listening" in terminal.getvalue()) is shown
    assert progress._current_progress is None
    with show_progress(False):
        before = terminal.tell()
        for _item in track(range(3), "Reading", 3):
            progress._current_progress.refresh()
        assert "Reading" not in terminal.getvalue()[before:]
