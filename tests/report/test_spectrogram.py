"""The spectrogram of a clip, as a figure and as characters."""

import numpy as np
import pytest

from sentir.corpus.utterances import AudioFeatures
from sentir.errors import SentirError
from sentir.report.spectrogram import plot_spectrogram, render_spectrogram_text, save_figure


def audio(mel, mel_kind="mel"):
    return AudioFeatures("k", np.asarray(mel, dtype=np.float16), seconds=len(mel) / 100, mel_kind=mel_kind)


def rising():
    """A tone that rises from the lowest to the highest band."""
    mel = np.full((200, 64), -90.0)
    mel[np.arange(200), np.arange(200) * 64 // 200] = -10
    return mel


def test_a_rising_tone_goes_up_to_the_right_in_characters():
    lines = render_spectrogram_text(audio(rising()), columns=40, rows=8)
    assert len(lines) == 8 and {len(line) for line in lines} == {40}
    peaks = [line.find(max(line, key=" ░▒▓█".index)) for line in lines]
    assert peaks == sorted(peaks, reverse=True) and peaks[0] > 30 and peaks[-1] < 10


@pytest.mark.parametrize("frames", [1, 3, 5_000])
def test_clips_of_any_length_are_drawn(frames):
    lines = render_spectrogram_text(audio(np.zeros((frames, 64))))
    assert len(lines) == 8 and len(lines[0]) == min(frames, 64)
    assert plot_spectrogram(audio(np.zeros((frames, 64))), "a").axes[0].get_images()


def test_the_figure_has_seconds_and_hertz(tmp_path):
    axes = plot_spectrogram(audio(rising()), "dia0/utt1 $x$").axes[0]
    assert axes.get_xlabel() == "seconds" and axes.get_ylabel() == "Hz"
    (image,) = axes.get_images()
    values = np.asarray(image.get_array())
    assert values.shape == (64, 200) and values[0, 0] == -10 and values[63, 199] == -10


def test_other_kinds_of_spectrograms_have_no_axis_in_seconds():
    assert plot_spectrogram(audio(np.zeros((224, 224)), mel_kind="thesis"), "a").axes[0].get_xlabel() == ""


@pytest.mark.parametrize(
    ("name", "begins"), [("a.png", b"\x89PNG"), ("deep/a.SVG", b"<?xml"), ("a.pdf", b"%PDF")]
)
def test_the_suffix_determines_the_format(tmp_path, name, begins):
    save_figure(plot_spectrogram(audio(rising()), "a"), tmp_path / name)
    assert (tmp_path / name).read_bytes().startswith(begins)


def test_other_formats_and_unwritable_paths_raise(tmp_path):
    figure = plot_spectrogram(audio(rising()), "a")
    with pytest.raises(SentirError, match=r"ends in \.png, \.svg, \.pdf"):
        save_figure(figure, tmp_path / "a.gif")
    (tmp_path / "file").write_text("")
    with pytest.raises(SentirError, match="cannot be written"):
        save_figure(figure, tmp_path / "file" / "a.png")
