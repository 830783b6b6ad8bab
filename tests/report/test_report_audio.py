"""Families side by side, audio counts, and examples with spectrograms and audio."""

import base64
import io
import re
from dataclasses import replace

import numpy as np
import pytest
import soundfile
from html_page import Page
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from sentir.evaluation.results import Score
from sentir.report import inline_media
from sentir.report.figures import plot_scores
from sentir.report.html import render_report
from sentir.report.task_sections import comparison_groups, task_sections

FAMILIES = {"gru": "text_audio", "plain": "text"}


def with_families(report):
    """The report with two families, the best of both on test, and a third candidate behind."""
    rows = [replace(row, family=FAMILIES.get(row.model, "")) for row in report.scores]
    best = next(row for row in rows if row.role == "selected")
    text = replace(
        best, model="plain", role="candidate", family="text", metrics={"weighted_f1": Score(0.5, 0.4, 0.6)}
    )
    other = replace(report.comparisons[0], b="plain")
    dev = replace(other, split="dev")
    return replace(report, scores=(*rows, text), comparisons=(*report.comparisons, dev, other))


@pytest.fixture
def families(make_report):
    return with_families(make_report({"meld": ("emotion",)}))


def uris(text, tag):
    return [a["src"] for name, a in Page(text).tags if name == tag and "src" in a]


def content(uri):
    return io.BytesIO(base64.b64decode(uri.partition("base64,")[2]))


# Score chart


def test_the_page_draws_every_test_score_and_the_best_baseline(families):
    (section,) = task_sections(families)
    axes = plot_scores(section.test_rows, section.metric).axes[0]
    values = {row.model: row.metrics[section.metric].value for row in section.test_rows}
    dots = [line.get_xdata()[0] for line in axes.lines if line.get_marker() == "o"]
    assert dots == list(values.values())
    assert [line.get_xdata()[0] for line in axes.lines if line.get_linestyle() == "--"] == [values["majority"]]


def test_there_is_no_chart_of_a_single_or_undefined_score(make_report):
    report = make_report({"meld": ("emotion",)})
    undefined = tuple(
        replace(row, metrics={"weighted_f1": Score(float("nan"))}) if row.role == "baseline" else row
        for row in report.scores
    )
    assert "At a glance" in render_report(report)
    assert "At a glance" not in render_report(replace(report, scores=undefined))


def test_comparisons_are_grouped_and_none_is_lost(families):
    (section,) = task_sections(families)
    groups = comparison_groups(section)
    assert [[(c.split, c.b) for c in found] for _title, found in groups] == [
        [("test", "majority")],
        [("test", "plain")],
        [("dev", "plain")],
    ]
    assert "baselines" in groups[0][0] and "family" in groups[1][0] and "On dev" in groups[2][0]
    alone = comparison_groups(replace(section, best_per_family=("gru",)))
    assert sum(len(found) for _title, found in alone) == 3 and "other candidates" in alone[1][0]


def test_families_are_named_only_if_there_are_several(families, render_page):
    words = Page(render_page(replace(families, learning_curves=()))).text()
    assert "plain best of its family on dev text" in words and "gru selected on dev text and audio" in words
    text = replace(
        families,
        learning_curves=(),
        scores=tuple(replace(r, family=r.family and "text") for r in families.scores),
    )
    assert "family on dev" not in Page(render_page(text)).text()


def test_learning_curves_are_grouped_by_family(families):
    (section,) = task_sections(families)
    assert [
        (name, best, {c.model for c in curves}) for name, best, curves in section.learning_curves_by_family
    ] == [
        ("text_audio", "gru", {"gru"}),
        ("text", "plain", {"plain"}),
    ]
    one = replace(section, test_rows=(), dev_rows=tuple(replace(row, family="text") for row in section.dev_rows))
    assert one.learning_curves_by_family == [("", "gru", section.learning_curves)]
    assert replace(one, learning_curves=()).learning_curves_by_family == []


# The clips of a corpus


def test_a_corpus_with_audio_shows_usable_clips_and_why_others_are_not(page):
    words = Page(page).text()
    assert "train 9\u202f988 9\u202f681 8 h 22 min too short: 306 no file: 2" in words
    assert "dev 1\u202f109 1\u202f109 1 min 15 s –" in words
    assert words.count("why not usable") == 1  # the other corpus was read without audio


# Examples


def test_an_example_shows_annotations_and_the_predictions_of_each_family(page):
    words = Page(page).text()
    card = words[words.index("Oh <well>!") :]
    assert card.startswith("Oh <well>! Zoe · utterance-0 family emotion mood annotated joy calm")
    assert "text and audio ✓ joy 0.87 ✓ calm 0.71 ✗ my label 0.61" in card
    assert "text ✗ anger 0.43 ✗ none of them" in card


def test_models_of_one_family_are_named_and_none_of_them_can_be_correct(make_example, render_page, make_report):
    from sentir.report.study_report import ExamplePrediction

    example = make_example(labels={"mood": ()}, predictions=(ExamplePrediction("mood", "gru", "audio", {}),))
    words = Page(render_page(make_report({"meld": ("mood",)}, learning_curves=(), examples=(example,)))).text()
    assert "model mood annotated none of them gru ✓ none of them" in words


def test_spectrograms_and_audio_are_embedded_once_for_all_languages(page):
    assert len(uris(page, "img")) == len(uris(page, "audio")) == 2
    tags = Page(page).tags
    copies = [a["data-of"] for _tag, a in tags if "data-of" in a]
    held = [a["id"] for tag, a in tags if tag in ("img", "audio") and "src" in a]
    assert sorted(copies) == sorted(held) and len(held) == 4
    assert all(a["alt"] for tag, a in tags if tag == "img")
    assert all(a["aria-label"] and a["preload"] == "none" for tag, a in tags if tag == "audio")


def test_the_embedded_audio_is_that_of_the_example(page, make_example):
    waveform, rate = soundfile.read(content(uris(page, "audio")[0]), dtype="float32")
    assert (rate, waveform.ndim) == (16_000, 1) and len(waveform) == pytest.approx(32_000, abs=3_000)
    (peak,) = {
        int(np.abs(np.fft.rfft(part[8_000:24_000])).argmax()) for part in (waveform, make_example().waveform)
    }
    assert peak == pytest.approx(0.3 / (2 * np.pi) * 16_000, abs=1)


@pytest.mark.parametrize(("formats", "kind"), [({"OGG", "WAV"}, "audio/ogg"), ({"WAV"}, "audio/wav")])
def test_audio_formats_fall_back_if_mp3_is_unavailable(formats, kind, make_example, monkeypatch):
    monkeypatch.setattr(soundfile, "available_formats", lambda: dict.fromkeys(formats))
    found, file = inline_media.encode_audio(make_example().waveform)
    assert found == kind and len(soundfile.read(io.BytesIO(file))[0]) == 32_000


def test_a_spectrogram_has_time_to_the_right_and_low_bands_at_the_bottom():
    mel = np.full((30, 64), -100.0)
    mel[20:, 5] = 0.0
    image = np.asarray(
        Image.open(io.BytesIO(inline_media.encode_spectrogram_png(mel, 0.0))).convert("L"), dtype=int
    )
    assert image.shape == (64, 30)
    bright = np.argwhere(image > 128)
    assert {tuple(at) for at in bright} == {(63 - 5, column) for column in range(20, 30)}


@given(st.floats(-100, 40), st.floats(-100, 40))
def test_louder_frames_are_never_darker(one, other):
    quiet, loud = sorted((one, other))
    image = Image.open(io.BytesIO(inline_media.encode_spectrogram_png(np.array([[quiet], [loud]]), 20.0)))
    levels = np.asarray(image)[0]
    assert levels[0] <= levels[1]
    lightness = np.asarray(image.convert("L"), dtype=int)[0]
    assert lightness[0] <= lightness[1]


def test_the_colors_of_a_corpus_share_one_scale_and_the_axis_is_in_seconds(make_example):
    loud, quiet = make_example(0), make_example(1)
    quiet = replace(quiet, mel=quiet.mel - 40)
    elsewhere = replace(quiet, corpus="other", id="utterance-0")
    found = inline_media.make_inline_media([loud, quiet, elsewhere])
    assert found["meld", "utterance-0"].spectrogram_uri == found["other", "utterance-0"].spectrogram_uri
    assert found["meld", "utterance-0"].spectrogram_uri != found["meld", "utterance-1"].spectrogram_uri
    assert (loud_ := found["meld", "utterance-0"]).seconds == 2.0 and loud_.ticks == {0: 0.0, 1: 50.0, 2: 100.0}


def test_a_report_without_examples_or_clips_does_not_mention_them(make_plain_report, render_page):
    report = make_plain_report()
    card = replace(report.corpora[0], audio=())
    text = render_page(replace(report, corpora=(card,)))
    assert "Examples" not in Page(text).text() and "-examples" not in text
    assert not re.search(r"<audio|<img|why not usable", text)
