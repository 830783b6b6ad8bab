"""Demo corpora that speak: their voices, their recordings, and reading them."""

import hashlib
import io
import subprocess
import sys
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from sentir.cli import main
from sentir.demo import corpora, media, script
from sentir.demo.voice import (
    CAST_VOICES,
    EMOTION_PROSODY,
    MIN_SILENCE_SECONDS,
    VOICE_SAMPLING_RATE,
    ScriptLine,
    get_voice_version,
    synthesize,
)
from sentir.errors import CorpusError, UnknownNameError
from sentir.paths import cache_dir
from sentir.readers import read_corpus
from sentir.recipe import DataSettings

TEXT = "They told me about the meeting on Monday."
SPEAKERS = ("Nadia", "Marcus", "Desmond")


def line(emotion="neutral", *, key="k", speaker="Nadia", text=TEXT, seconds=4.0):
    return ScriptLine(key, text, speaker, {emotion: 1.0}, seconds)


def digest(wave) -> str:
    return hashlib.sha256(wave.tobytes()).hexdigest()


def spoken(wave):
    """The part of a wave in which something is said."""
    heard = np.flatnonzero(np.abs(wave) > 1e-3)
    return wave[heard[0] : heard[-1] + 1]


def level(wave) -> float:
    return float(10 * np.log10(np.mean(np.square(spoken(wave)))))


def said(emotion):
    return [synthesize(line(emotion, key=f"k{n}", speaker=name)) for name in SPEAKERS for n in range(4)]


@pytest.fixture(scope="module")
def manners():
    return {emotion: said(emotion) for emotion in ("anger", "fear", "neutral", "sadness")}


def test_a_line_is_the_same_samples_whatever_was_said_before():
    first = digest(synthesize(line()))
    for other in (line("anger", speaker="Marcus"), line("fear", speaker="-x", text="Oh."), line("joy", key="z")):
        assert digest(synthesize(other)) != first
    assert digest(synthesize(line())) == first


def test_a_line_is_the_same_samples_in_another_process():
    code = (
        "import hashlib; from sentir.demo.voice import ScriptLine, synthesize; "
        f"wave = synthesize(ScriptLine('k', {TEXT!r}, 'Nadia', {{'neutral': 1.0}}, 4.0)); "
        "print(hashlib.sha256(wave.tobytes()).hexdigest())"
    )
    there = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert there.stdout.strip() == digest(synthesize(line()))


@pytest.mark.parametrize("seconds", [0.6, 1.5, 4.0])
def test_a_line_takes_its_time_and_is_said_within_it(seconds):
    wave = synthesize(line("sadness", seconds=seconds))
    assert len(wave) == round(seconds * VOICE_SAMPLING_RATE)
    assert 0.3 < len(spoken(wave)) / VOICE_SAMPLING_RATE <= seconds - MIN_SILENCE_SECONDS + 0.01
    assert np.abs(wave).max() <= 0.95


def test_even_a_single_word_lasts_a_third_of_a_second():
    assert all(
        len(spoken(synthesize(line(e, text="Right.", seconds=0.6)))) > 0.2 * VOICE_SAMPLING_RATE
        for e in EMOTION_PROSODY
    )


def test_loudness_follows_the_emotion(manners):
    levels = {emotion: np.mean([level(wave) for wave in waves]) for emotion, waves in manners.items()}
    assert levels["anger"] > levels["neutral"] + 2 > levels["sadness"] + 4


def test_rate_follows_the_emotion(manners):
    lengths = {emotion: np.mean([len(spoken(wave)) for wave in waves]) for emotion, waves in manners.items()}
    assert lengths["fear"] < 0.92 * lengths["neutral"] < 0.92 * 0.97 * lengths["sadness"]


def pitch_of(wave, width=1024, hop=512):
    """Median over voiced frames of the pitch, in Hz between 80 and 500, where a frame resembles itself most."""
    frames = np.lib.stride_tricks.sliding_window_view(wave, width)[::hop].astype(np.float64)
    spectra = np.fft.rfft(frames * np.hanning(width), 2 * width)
    alike = np.fft.irfft(np.abs(spectra) ** 2)[:, :width]
    shortest, longest = round(VOICE_SAMPLING_RATE / 500), round(VOICE_SAMPLING_RATE / 80)
    lags = shortest + np.argmax(alike[:, shortest:longest], axis=1)
    voiced = alike[np.arange(len(frames)), lags] > 0.4 * alike[:, 0]
    return np.median(VOICE_SAMPLING_RATE / lags[voiced])


def test_a_tone_has_its_own_pitch():
    tone = np.sin(2 * np.pi * 220 * np.arange(VOICE_SAMPLING_RATE) / VOICE_SAMPLING_RATE)
    assert pitch_of(tone) == pytest.approx(220, rel=0.02)


def test_pitch_follows_the_emotion():
    def pitch(emotion):
        waves = [synthesize(line(emotion, key=f"p{n}", seconds=3.0)) for n in range(4)]
        return np.mean([pitch_of(spoken(wave)) for wave in waves])

    assert pitch("fear") > 1.12 * pitch("neutral") > 1.12 * 1.05 * pitch("disgust")


def test_speakers_sound_unlike_each_other_and_a_speaker_like_itself():
    assert len(set(CAST_VOICES.values())) == len(CAST_VOICES) == len(script.CAST)
    assert len({digest(synthesize(line(speaker=name))) for name in (*script.CAST, "Waldo", "-a1b2")}) == 8


def test_a_missing_espeak_is_one_clear_error(monkeypatch):
    import espeakng_loader

    monkeypatch.setattr(espeakng_loader, "get_library_path", lambda: "/nowhere/libespeak-ng.so")
    with pytest.raises(CorpusError, match=r"cannot speak.*reinstall the package espeakng-loader"):
        get_voice_version()


@pytest.fixture(scope="module")
def clips():
    return media.plan_meld_recordings()


def test_the_clips_have_the_defects_of_meld(clips):
    turns = {split: sum(map(len, script.generate_conversations(split))) for split in media.MELD_FOLDERS}
    stems = Counter(clip.path.rpartition("/")[0].split("/")[2] for clip in clips)
    assert stems == {"train": turns["train"], "dev": turns["dev"] - 1, "test": turns["test"] + 4}
    assert len({clip.path for clip in clips}) == len(clips)
    assert [clip.is_complete for clip in clips].count(False) == 1
    assert sum(clip.seconds < 0.2 for clip in clips) == 1
    by_path = {clip.path: clip for clip in clips}
    twins = [path for path in by_path if "final_videos_test" in path]
    for path in twins:
        right, wrong = by_path[path], by_path[path.replace("final_videos_test", "")]
        assert right.seconds == right.lines[0][1].seconds
        assert abs(wrong.seconds - right.seconds) > 0.3
    assert len(twins) == 4


def test_one_clip_in_ten_has_six_channels(clips):
    shares = Counter(clip.channel_layout for clip in clips)
    assert 0.07 < shares["5.1"] / len(clips) < 0.13
    assert set(shares) == {"mono", "stereo", "5.1"}


def test_a_video_says_every_segment_at_its_time():
    video = script.generate_videos("dev")[0]
    recording = next(r for r in media.plan_mosei_recordings() if r.path.endswith(f"/{video.id}.wav"))
    assert [round(start * 1000) for start, _line in recording.lines] == [start for start, _end in video.times]
    tracks = media._render_channels(replace(recording, lines=recording.lines[1:3]))
    start, end = (round(t * 16) for t in (video.times[1][0], video.times[2][1]))
    quiet, loud = np.abs(tracks[0, :start]).max(), np.abs(tracks[0, start:end]).max()
    assert loud > 10 * quiet > 0
    assert np.abs(tracks[0, end:]).max() < 0.1 * loud


def decoded(content):
    import av

    with av.open(io.BytesIO(content)) as container:
        stream = container.streams.audio[0]
        frames = [frame.to_ndarray() for frame in container.decode(stream)]
        return stream.rate, stream.codec_context.layout.name, np.concatenate(frames, axis=1)


@pytest.mark.parametrize("layout", ["mono", "stereo", "5.1"])
def test_a_clip_is_aac_of_its_length_and_layout_and_always_the_same_bytes(layout, tmp_path):
    recording = media.Recording("a.mp4", ((0.0, line(seconds=2.5)),), 2.5, layout)
    contents = set()
    for _n in range(2):
        media.write_recording(tmp_path, recording)
        contents.add((tmp_path / "a.mp4").read_bytes())
    (content,) = contents
    rate, name, samples = decoded(content)
    assert (rate, name) == (48_000, layout)
    assert samples.shape[1] / rate == pytest.approx(2.5, abs=0.05)
    powers = np.square(samples).mean(axis=1)
    if layout == "5.1":
        assert powers.argmax() == media.CENTER_CHANNEL
        assert powers[media.CENTER_CHANNEL] > 50 * np.delete(powers, media.CENTER_CHANNEL).max()
    else:
        assert powers.min() > 1e-6


def test_a_clip_that_is_not_whole_cannot_be_decoded(tmp_path):
    import av

    recording = media.Recording("a.mp4", ((0.0, line(seconds=2.0)),), 2.0, is_complete=False)
    media.write_recording(tmp_path, recording)
    with pytest.raises(av.error.FFmpegError):
        decoded((tmp_path / "a.mp4").read_bytes())


@pytest.fixture
def few(monkeypatch):
    """Demo corpora of which only a dozen utterances are spoken: those of the twins among them."""
    clips, videos = media.plan_meld_recordings(), media.plan_mosei_recordings()
    twins = [clip.path for clip in clips if "final_videos_test" in clip.path][:2]
    chosen = [*twins, *(path.replace("final_videos_test", "") for path in twins)]
    kept = [clip for clip in clips if clip.path in chosen] + clips[:3]
    monkeypatch.setattr(corpora, "plan_meld_recordings", lambda: kept)
    monkeypatch.setattr(corpora, "plan_mosei_recordings", lambda: videos[:1])


def test_demo_meld_speaks_and_the_right_cut_is_taken(few):
    corpus = read_corpus(DataSettings(reader="demo-meld", audio=True))
    assert corpus.synthetic
    assert corpus.fingerprint == read_corpus(DataSettings(reader="demo-meld")).fingerprint
    names = {u.clip.path.name for u in corpus if u.clip}
    assert len(names) == 5
    assert sum(name.startswith("final_videos_test") for name in names) == 2
    plain = read_corpus(DataSettings(reader="demo-meld", audio=True, meld={"duplicate_clips": "plain_name"}))
    assert not any(u.clip.path.name.startswith("final_videos_test") for u in plain if u.clip)


def test_a_spoken_tree_is_made_once_and_again_when_a_file_is_lost(few):
    corpus = read_corpus(DataSettings(reader="demo-mosei", audio=True))
    (wav,) = {u.clip.path for u in corpus if u.clip}
    assert all(u.clip.start < u.clip.end for u in corpus if u.clip)
    stamp = wav.stat().st_mtime_ns
    read_corpus(DataSettings(reader="demo-mosei", audio=True))
    assert wav.stat().st_mtime_ns == stamp
    assert [path.name for path in (cache_dir() / "demo").iterdir()] == [wav.parents[3].name]
    content = wav.read_bytes()
    wav.unlink()
    read_corpus(DataSettings(reader="demo-mosei", audio=True))
    assert wav.read_bytes() == content


def test_the_demo_is_written_where_asked_and_never_over_something(few, tmp_path):
    (written,) = corpora.write_demo(tmp_path / "out", corpora=["mosei"])
    assert (written.reader, written.tables, written.recordings) == ("mosei", 3, 1)
    corpus = read_corpus(DataSettings(reader="mosei", audio=True), written.folder)
    assert len({u.clip.path for u in corpus if u.clip}) == 1
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["mosei"]
    with pytest.raises(CorpusError, match=r"mosei is already there"):
        corpora.write_demo(tmp_path / "out")
    assert not (tmp_path / "out" / "meld").exists()
    with pytest.raises(UnknownNameError, match=r"no demo corpus called 'melt'.*meld"):
        corpora.write_demo(tmp_path / "other", corpora=["melt"])


def test_the_command_says_what_it_wrote_and_what_to_try(few, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["sentir", "demo", "--out", str(tmp_path / "d"), "--corpus", "mosei"])
    with pytest.raises(SystemExit) as end:
        main()
    assert not end.value.code
    shown = "".join(capsys.readouterr().out.split())
    folder = str(tmp_path / "d" / "mosei")
    assert f"Written:{folder}(3tables,1recordings;" in shown
    assert f"sentircorpusauditmosei--root{folder}" in shown
    assert "meld" not in shown.replace(folder, "")
