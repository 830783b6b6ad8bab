"""``sentir study --open``: the report is opened if there is a display; nothing fails without one."""

import sys
import webbrowser
from types import SimpleNamespace

import pytest

from sentir import api
from sentir.cli import main
from sentir.cli.browser import open_page

NAMES = ("CI", "SSH_CONNECTION", "SSH_CLIENT", "SSH_TTY", "DISPLAY", "WAYLAND_DISPLAY")


@pytest.fixture
def opened(monkeypatch):
    pages = []
    monkeypatch.setattr(webbrowser, "open", pages.append)
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
    return pages


@pytest.mark.parametrize(
    ("system", "environment", "opens"),
    [
        ("linux", {"DISPLAY": ":0"}, True),
        ("linux", {"WAYLAND_DISPLAY": "wayland-0"}, True),
        ("linux", {}, False),
        ("linux", {"DISPLAY": ""}, False),
        ("linux", {"DISPLAY": ":10", "SSH_CONNECTION": "a b"}, False),
        ("linux", {"DISPLAY": ":0", "CI": "true"}, False),
        ("darwin", {}, True),
        ("darwin", {"SSH_TTY": "/dev/ttys0"}, False),
    ],
)
def test_a_page_is_opened_only_with_a_display(system, environment, opens, opened, monkeypatch, tmp_path):
    monkeypatch.setattr(sys, "platform", system)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    open_page(tmp_path / "mi informe.html")
    assert opened == [(tmp_path / "mi informe.html").as_uri()] * opens


@pytest.mark.parametrize("error", [webbrowser.Error("no browser"), OSError("gone")])
def test_a_browser_error_is_ignored(error, opened, monkeypatch, tmp_path):
    def fail(_address):
        opened.append("tried")
        raise error

    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.setattr(webbrowser, "open", fail)
    open_page(tmp_path / "report.html")
    assert opened == ["tried"]


@pytest.mark.parametrize("opens", [True, False])
@pytest.mark.parametrize("json", [True, False])
def test_a_study_opens_its_report_with_the_option(opens, json, opened, monkeypatch, tmp_path, capsys):
    (tmp_path / "mine.toml").write_text("[data]\nreader = 'demo-meld'\n", encoding="utf-8")
    report = SimpleNamespace(scores=(), corpora=(), openings=(), comparisons=(), learning_curves=(), redraws=())
    monkeypatch.setattr(api, "run_study", lambda *_arguments, **_keywords: report)
    monkeypatch.setenv("DISPLAY", ":0")
    options = ["--open"] * opens + ["--json"] * json
    line = ["sentir", "study", tmp_path / "mine.toml", "--out", tmp_path / "run", *options]
    monkeypatch.setattr(sys, "argv", [str(part) for part in line])
    with pytest.raises(SystemExit) as ended:
        main()
    assert not ended.value.code, capsys.readouterr().err
    assert opened == [(tmp_path / "run" / "report.html").as_uri()] * opens
