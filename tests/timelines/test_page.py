"""The page of a timeline, and its figure."""

import re
from html.parser import HTMLParser

import numpy as np
import pytest
from audio_files import tone, write_wav

from sentir.errors import TimelineError
from sentir.i18n import use_language
from sentir.timelines.document import Source, Turn
from sentir.timelines.formats.page import render_page
from sentir.timelines.timeline import Timeline


class Page(HTMLParser):
    """Collects tags, and the text of the table's cells."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.cells, self._in_cell = [], [], False
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag == "td":
            self.cells.append("")
            self._in_cell = True

    def handle_endtag(self, tag):
        self._in_cell = self._in_cell and tag != "td"

    def handle_data(self, data):
        if self._in_cell:
            self.cells[-1] += data


TURNS = (
    Turn(
        0.5, 1.5, "<b>Ana", 'x" <script>alert(1)</script>', ("joy",), {"joy": 0.8}, confidence=0.8, notes=("n&m",)
    ),
    Turn(2.0, 3.0, "Bo", None, ("sad'ness",), {"joy": 0.1}, confidence=0.9),
)


def timeline(path=None, turns=TURNS, **fields):
    name = 'a "b".wav' if path is None else path.name
    return Timeline(turns, Source(name, "0" * 64, 4.0), "emotion", ("joy", "sad'ness"), path=path, **fields)


def test_page_is_self_contained_and_escaped(tmp_path):
    path = write_wav(tmp_path / "a.wav", tone(4), 16_000)
    page = Page(render_page(timeline(path)))
    (audio,) = [attrs for tag, attrs in page.tags if tag == "audio"]
    assert audio["src"].startswith("data:audio/")
    assert [tag for tag, _attrs in page.tags].count("script") == 1
    assert not [attrs for _tag, attrs in page.tags if attrs.get("src", "data:")[:5] != "data:" or "href" in attrs]
    assert page.cells[1] == "<b>Ana" and page.cells[4] == 'x" <script>alert(1)</script>n&m'
    assert len([tag for tag, attrs in page.tags if attrs.get("class") == "turn"]) == 2
    assert any(attrs.get("class") == "wave" for _tag, attrs in page.tags)


def test_page_without_its_recording_asks_for_it():
    page = Page(render_page(timeline()))
    (audio,) = [attrs for tag, attrs in page.tags if tag == "audio"]
    assert audio["src"] == "a%20%22b%22.wav" and any(tag == "input" for tag, _attrs in page.tags)


def test_page_of_text_alone_has_no_player():
    text = render_page(Timeline((Turn(speaker="Ana", text="hi", labels=("joy",)),), labels=("joy",)))
    page = Page(text)
    assert not {"audio", "svg"} & {tag for tag, _attrs in page.tags} and page.cells == ["Ana", "joy", "hi"]


def test_page_holds_both_languages():
    with use_language("es"):
        text = render_page(timeline(synthetic=True))
    assert '<html lang="es">' in text and re.search('data-en="joy" data-es="alegría">alegría<', text)


def test_figure(tmp_path):
    figure = timeline().plot()
    turns, curve = figure.axes
    assert len(turns.collections) == 2 and [one.get_text() for one in turns.get_yticklabels()] == ["<b>Ana", "Bo"]
    assert np.array_equal(curve.lines[0].get_ydata(), timeline().curve[:, 0], equal_nan=True)
    with pytest.raises(TimelineError, match="without times"):
        Timeline((Turn(text="hi"),)).plot()


def test_other_tasks_have_curves_of_their_own():
    turns = (
        Turn(0.0, 1.0, values={"valence": 2.0}, other_tasks={"arousal": {"arousal": 0.5}}),
        Turn(
            1.0, 2.5, values={"valence": 4.0}, other_tasks={"arousal": {"arousal": -0.5}, "mood": {"calm": 0.7}}
        ),
    )
    made = Timeline(turns, Source("a", "", 3.0), "valence", ("valence",))
    assert made.other_curves["arousal"]["arousal"] == pytest.approx([0.5, -0.5, -0.5])
    assert made.other_curves["mood"]["calm"] == pytest.approx([np.nan, 0.7, 0.7], nan_ok=True)
    curve = made.to_dict()["curve"]
    assert curve["values"] == {"valence": [2.0, 4.0, 4.0]}
    assert curve["other_tasks"] == {"arousal": {"arousal": [0.5, -0.5, -0.5]}, "mood": {"calm": [None, 0.7, 0.7]}}
    assert Timeline.from_json(made.to_json()).to_dict() == made.to_dict()
    panels = made.plot().axes[1:]
    assert [[line.get_label() for line in panel.lines] for panel in panels] == [
        ["valence"],
        ["arousal"],
        ["calm"],
    ]


def test_curve_is_weighted_by_time():
    turns = (Turn(0.5, 1.5, probabilities={"joy": 1.0}), Turn(1.0, 1.25, probabilities={"joy": 0.0}))
    curve = Timeline(turns, Source("a", "", 3.0), "emotion", ("joy",)).curve
    assert curve[:, 0] == pytest.approx([1.0, 0.5 / 0.75, np.nan], nan_ok=True)
