"""Demo corpora with speech: voices, recordings, and reading them."""

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


def digest(waveform) -> str:
    return hashlib.sha256(waveform.tobytes()).hexdigest()


def spoken(waveform):
    """The waveform without the silence around the speech."""
    loud = np.flatnonzero(np.abs(waveform) > 1e-3)
    return waveform[loud[0] : loud[-1] + 1]


def level(waveform) -> float:
    return float(10 * np.log10(np.mean(np.square(spoken(waveform)))))


def lines_of(emotion):
    return [synthesize(line(emotion, key=f"k{n}", speaker=name)) for name in SPEAKERS for n in range(4)]


@pytest.fixture(scope="module")
def waveforms():
    return {emotion: lines_of(emotion) for emotion in ("anger", "fear", "neutral", "sadness")}


def test_a_line_is_the_same_samples_whatever_was_synthesized_before():
    first = digest(synthesize(line()))
    for other in (line("anger", speaker="Marcus"), line("fear", speaker="-x", text="Oh."), line("joy", key="z")):
        assert digest(synthesize(other)) != first
    assert digest(synthesize(line())) == first


def test_a_line_is_the_same_samples_in_another_process():
    code = (
        "import hashlib; from sentir.demo.voice import ScriptLine, synthesize; "
        f"waveform = synthesize(ScriptLine('k', {TEXT!r}, 'Nadia', {{'neutral': 1.0}}, 4.0)); "
        "print(hashlib.sha256(waveform.tobytes()).hexdigest())"
    )
    other_process = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert other_process.stdout.strip() == digest(synthesize(line()))


@pytest.mark.parametrize("seconds", [0.6, 1.5, 4.0])
def test_a_line_has_its_duration_and_the_speech_fits_in(seconds):
    waveform = synthesize(line("sadness", seconds=seconds))
    assert len(waveform) == round(seconds * VOICE_SAMPLING_RATE)
    assert 0.3 < len(spoken(waveform)) / VOICE_SAMPLING_RATE <= seconds - MIN_SILENCE_SECONDS + 0.01
    assert np.abs(waveform).max() <= 0.95


def test_even_a_single_word_lasts_a_third_of_a_second():
    assert all(
        len(spoken(synthesize(line(e, text="Right.", seconds=0.6)))) > 0.2 * VOICE_SAMPLING_RATE
        for e in EMOTION_PROSODY
    )


def test_level_follows_the_emotion(waveforms):
    levels = {emotion: np.mean([level(one) for one in own]) for emotion, own in waveforms.items()}
    assert levels["anger"] > levels["neutral"] + 2 > levels["sadness"] + 4


def test_rate_follows_the_emotion(waveforms):
    lengths = {emotion: np.mean([len(spoken(one)) for one in own]) for emotion, own in waveforms.items()}
    assert lengths["fear"] < 0.92 * lengths["neutral"] < 0.92 * 0.97 * lengths["sadness"]


def pitch_of(waveform, width=1024, hop=512):
    """Median pitch of voiced frames by autocorrelation, in Hz between 80 and 500."""
    frames = np.lib.stride_tricks.sliding_window_view(waveform, width)[::hop].astype(np.float64)
    spectra = np.fft.rfft(frames * np.hanning(width), 2 * width)
    autocorrelation = np.fft.irfft(np.abs(spectra) ** 2)[:, :width]
    shortest, longest = round(VOICE_SAMPLING_RATE / 500), round(VOICE_SAMPLING_RATE / 80)
    lags = shortest + np.argmax(autocorrelation[:, shortest:longest], axis=1)
    voiced = autocorrelation[np.arange(len(frames)), lags] > 0.4 * autocorrelation[:, 0]
    return np.median(VOICE_SAMPLING_RATE / lags[voiced])


def test_a_tone_has_its_own_pitch():
    tone = np.sin(2 * np.pi * 220 * np.arange(VOICE_SAMPLING_RATE) / VOICE_SAMPLING_RATE)
    assert pitch_of(tone) == pytest.approx(220, rel=0.02)


def test_pitch_follows_the_emotion():
    def pitch(emotion):
        own = [synthesize(line(emotion, key=f"p{n}", seconds=3.0)) for n in range(4)]
        return np.mean([pitch_of(spoken(one)) for one in own])

    assert pitch("fear") > 1.12 * pitch("neutral") > 1.12 * 1.05 * pitch("disgust")


def test_speakers_have_different_voices():
    assert len(set(CAST_VOICES.values())) == len(CAST_VOICES) == len(script.CAST)
    assert len({digest(synthesize(line(speaker=name))) for name in (*script.CAST, "Waldo", "-a1b2")}) == 8


def test_a_missing_espeak_is_one_clear_error(monkeypatch):
    import espeakng_loader

    monkeypatch.setattr(espeakng_loader, "get_library_path", lambda: "/nowhere/libespeak-ng.so")
    with pytest.raises(CorpusError, match=r"needs espeak-ng.*reinstall the package espeakng-loader"):
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
    duplicates = [path for path in by_path if "final_videos_test" in path]
    for path in duplicates:
        right, wrong = by_path[path], by_path[path.replace("final_videos_test", "")]
        assert right.seconds == right.lines[0][1].seconds
        assert abs(wrong.seconds - right.seconds) > 0.3
    assert len(duplicates) == 4


def test_one_clip_in_ten_has_six_channels(clips):
    shares = Counter(clip.channel_layout for clip in clips)
    assert 0.07 < shares["5.1"] / len(clips) < 0.13
    assert set(shares) == {"mono", "stereo", "5.1"}


def test_a_video_has_every_segment_at_its_time():
    video = script.generate_videos("dev")[0]
    recording = next(r for r in media.plan_mosei_recordings() if r.path.endswith(f"/{video.id}.wav"))
    assert [round(start * 1000) for start, _line in recording.lines] == [start for start, _end in video.times]
    channels = media._render_channels(replace(recording, lines=recording.lines[1:3]))
    start, end = (round(t * 16) for t in (video.times[1][0], video.times[2][1]))
    quiet, loud = np.abs(channels[0, :start]).max(), np.abs(channels[0, start:end]).max()
    assert loud > 10 * quiet > 0
    assert np.abs(channels[0, end:]).max() < 0.1 * loud


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


def test_an_incomplete_clip_cannot_be_decoded(tmp_path):
    import av

    recording = media.Recording("a.mp4", ((0.0, line(seconds=2.0)),), 2.0, is_complete=False)
    media.write_recording(tmp_path, recording)
    with pytest.raises(av.error.FFmpegError):
        decoded((tmp_path / "a.mp4").read_bytes())


@pytest.fixture
def few(monkeypatch):
    """Demo corpora with only a dozen recordings, duplicates among them."""
    clips, videos = media.plan_meld_recordings(), media.plan_mosei_recordings()
    duplicates = [clip.path for clip in clips if "final_videos_test" in clip.path][:2]
    chosen = [*duplicates, *(path.replace("final_videos_test", "") for path in duplicates)]
    few_clips = [clip for clip in clips if clip.path in chosen] + clips[:3]
    monkeypatch.setattr(corpora, "plan_meld_recordings", lambda: few_clips)
    monkeypatch.setattr(corpora, "plan_mosei_recordings", lambda: videos[:1])


def test_demo_meld_has_speech_and_the_right_duplicate_is_used(few):
    corpus = read_corpus(DataSettings(reader="demo-meld", audio=True))
    assert corpus.synthetic
    assert corpus.fingerprint == read_corpus(DataSettings(reader="demo-meld")).fingerprint
    names = {u.clip.path.name for u in corpus if u.clip}
    assert len(names) == 5
    assert sum(name.startswith("final_videos_test") for name in names) == 2
    plain = read_corpus(DataSettings(reader="demo-meld", audio=True, meld={"duplicate_clips": "plain_name"}))
    assert not any(u.clip.path.name.startswith("final_videos_test") for u in plain if u.clip)


def test_a_tree_with_speech_is_made_once_and_again_if_a_file_is_lost(few):
    corpus = read_corpus(DataSettings(reader="demo-mosei", audio=True))
    (wav,) = {u.clip.path for u in corpus if u.clip}
    assert all(u.clip.start < u.clip.end for u in corpus if u.clip)
    stamp = wav.stat().st_mtime_ns
    read_corpus(DataSettings(reader="demo-mosei", audio=True))
    assert wav.stat().st_mtime_ns == stamp
    assert [path.name for path in (cache_dir() / "demo").glob("[!.]*")] == [wav.parents[3].name]
    content = wav.read_bytes()
    wav.unlink()
    read_corpus(DataSettings(reader="demo-mosei", audio=True))
    assert wav.read_bytes() == content


def test_the_demo_is_written_to_the_given_folder_and_never_overwrites(few, tmp_path):
    (written,) = corpora.write_demo(tmp_path / "out", corpora=["mosei"])
    assert (written.reader, written.tables, written.recordings) == ("mosei", 3, 1)
    corpus = read_corpus(DataSettings(reader="mosei", audio=True), written.folder)
    assert len({u.clip.path for u in corpus if u.clip}) == 1
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["mosei"]
    with pytest.raises(CorpusError, match=r"mosei exists and is not empty"):
        corpora.write_demo(tmp_path / "out")
    assert not (tmp_path / "out" / "meld").exists()
    with pytest.raises(UnknownNameError, match=r"no demo corpus called 'melt'.*meld"):
        corpora.write_demo(tmp_path / "other", corpora=["melt"])


def test_the_command_prints_what_it_wrote_and_what_to_try(few, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["sentir", "demo", "--out", str(tmp_path / "d"), "--corpus", "mosei"])
    with pytest.raises(SystemExit) as end:
        main()
    assert not end.value.code
    output = "".join(capsys.readouterr().out.split())
    folder = str(tmp_path / "d" / "mosei")
    assert f"Written:{folder}(3tables,1recordings;" in output
    assert f"sentircorpusauditmosei--root{folder}" in output
    assert "meld" not in output.replace(folder, "")
