"""The speed of corpus preparation on one core, against the thesis' pipeline and librosa at equal settings.

The thesis' pipeline runs one FFmpeg process per clip to WAV, librosa's mel spectrogram of 128 bands in decibels
relative to its maximum, resized to 224 by 224, and a second decoding for the numeric features: of the WAV file,
or of the clip by another FFmpeg process; both are measured. Clips that are 16 kHz WAV are also measured without
FFmpeg. Sentir hashes, decodes, resamples, computes features (mel, ``thesis``, ``functionals``, ``health``) and
writes a store, as ``sentir corpus prepare`` does. Times are CPU times including child processes, which depend
little on other load.

Prints ratios measured in this run, on this machine. FFmpeg is searched on the PATH, or given by ``--ffmpeg``.
"""

import argparse
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import soundfile
import soxr
from threadpoolctl import threadpool_limits

from sentir.audio import descriptors
from sentir.audio.decoding import decode_segments
from sentir.audio.descriptors import extract_descriptors
from sentir.audio.file_hashes import hash_files
from sentir.audio.mel import HOP_LENGTH, N_FFT, N_MELS, SAMPLING_RATE, WIN_LENGTH
from sentir.audio.store import attach_audio
from sentir.bench.timing import alternate
from sentir.corpus.utterances import Clip, Utterance

STORE_PART_SIZE = 256  # clips of a part of Sentir's store
SECONDS = 3.2  # the mean duration in MELD
VIDEO_RATE = 48_000
BIT_RATES = {"stereo": 128_000, "5.1": 384_000}


# ------------------------------------------------------------------------------------------------ clips


def load_waveforms(ravdess: Path, n: int) -> list[np.ndarray]:
    """Return ``n`` waveforms of 3.2 s at 16 kHz: RAVDESS, or the demo's voices if it is missing."""
    paths = sorted((ravdess / "audio").glob("*.ogg"))[::7][:n]
    if paths:
        waveforms = [soundfile.read(path, dtype="float32")[0] for path in paths]
    else:
        from sentir.demo.voice import VOICE_SAMPLING_RATE, ScriptLine, synthesize

        line = "I have told you so many times that nobody believes it any more."
        lines = [ScriptLine(f"prepare/{k}", line, f"speaker {k}", {"joy": 1.0}, SECONDS) for k in range(n)]
        waveforms = [
            soxr.resample(synthesize(one), VOICE_SAMPLING_RATE, SAMPLING_RATE).astype(np.float32) for one in lines
        ]
    length = round(SECONDS * SAMPLING_RATE)
    return [np.pad(waveform, (0, max(0, length - len(waveform))))[:length] for waveform in waveforms]


def write_mp4(path: Path, waveform: np.ndarray, layout: str) -> None:
    """Write 48 kHz AAC, in 5.1 the voice in the center, and a video track of about the bit rate of MELD's."""
    import av

    voice = soxr.resample(waveform, SAMPLING_RATE, VIDEO_RATE)
    channels = len(av.AudioLayout(layout).channels)
    tracks = 1e-3 * np.random.default_rng(0).standard_normal((channels, len(voice)), dtype=np.float32)
    tracks[2 if channels == 6 else slice(None)] += voice
    pixels = np.random.default_rng(0).integers(0, 256, (80, 96, 3), dtype=np.uint8)
    with av.open(path, "w") as container:
        audio = container.add_stream("aac", rate=VIDEO_RATE, layout=layout, options={"aac_coder": "fast"})
        audio.bit_rate = BIT_RATES[layout]
        picture = container.add_stream("mpeg4", rate=24, width=96, height=80, options={"qmin": "2", "qmax": "2"})
        video_frames = [
            av.VideoFrame.from_ndarray(np.roll(pixels, 7 * n, axis=1)) for n in range(round(24 * SECONDS))
        ]
        audio_frame = av.AudioFrame.from_ndarray(tracks, format="fltp", layout=layout)
        audio_frame.sample_rate = VIDEO_RATE
        for stream, frames in ((picture, video_frames), (audio, [audio_frame])):
            for frame in (*frames, None):
                container.mux(stream.encode(frame))


def write_clips(folder: Path, waveforms: Sequence[np.ndarray]) -> Iterator[tuple[str, list[Clip]]]:
    """Write the clips of every case; yield its name and its clips."""
    for layout in ("5.1", "stereo"):
        paths = [folder / f"{layout}-{k}.mp4" for k in range(len(waveforms))]
        for path, waveform in zip(paths, waveforms, strict=True):
            write_mp4(path, waveform, layout)
        yield f"mp4, 48 kHz AAC, {layout}", [Clip(path) for path in paths]
    paths = [folder / f"clip-{k}.wav" for k in range(len(waveforms))]
    for path, waveform in zip(paths, waveforms, strict=True):
        soundfile.write(path, waveform, SAMPLING_RATE)
    yield "wav, 16 kHz, one file per clip", [Clip(path) for path in paths]
    whole = folder / "whole.wav"
    soundfile.write(whole, np.concatenate(waveforms), SAMPLING_RATE)
    yield (
        "wav, 16 kHz, segments of one file",
        [Clip(whole, SECONDS * k, SECONDS * (k + 1)) for k in range(len(waveforms))],
    )


def make_utterances(clips: Sequence[Clip]) -> list[Utterance]:
    return [Utterance(f"u{n}", "train", clip=clip) for n, clip in enumerate(clips)]


# ------------------------------------------------------------------------------------------------ pipelines


def duplicate_clips(clips: Sequence[Clip], n: int) -> list[Clip]:
    """Return at least ``n`` clips by copying files, with other bytes appended to each copy."""
    found = list(clips)
    for k in range(1, -(-n // len(clips))):
        copies = {clip.path: clip.path.with_stem(f"{clip.path.stem}-{k}") for clip in clips}
        for path, copy in copies.items():
            copy.write_bytes(path.read_bytes() + b"\0\0\0\x0cfree" + k.to_bytes(4, "big"))
        found += [Clip(copies[clip.path], clip.start, clip.end) for clip in clips]
    return found


def prepare_with_sentir(clips: Sequence[Clip], folder: Path) -> None:
    store = Path(tempfile.mkdtemp(dir=folder))
    attach_audio(make_utterances(clips), folder=store, workers=1)
    shutil.rmtree(store)


def prepare_like_thesis(
    clips: Sequence[Clip], folder: Path, ffmpeg: str | None, *, decode_twice: bool = False
) -> None:
    """Prepare clips as the thesis did; without FFmpeg they must be WAV files."""
    import librosa
    from scipy.ndimage import zoom

    for clip in clips:
        path, start = clip.path, clip.start or 0.0
        if ffmpeg:
            path, start = folder / "thesis.wav", 0.0
            for _time in range(1 + decode_twice):
                to_wav(ffmpeg, clip, path)
        waveform, _rate = librosa.load(path, sr=SAMPLING_RATE, offset=start, duration=min(4.0, SECONDS))
        waveform = np.pad(waveform, (0, 4 * SAMPLING_RATE - len(waveform)))
        mel = librosa.feature.melspectrogram(y=waveform, sr=SAMPLING_RATE, n_mels=128)
        mel = librosa.power_to_db(mel, ref=np.max)
        zoom(mel, (224 / mel.shape[0], 224 / mel.shape[1]), order=1)
        again, _rate = librosa.load(path, sr=SAMPLING_RATE, offset=start, duration=SECONDS)
        thesis_features(again, librosa.feature.mfcc(y=again, sr=SAMPLING_RATE, n_mfcc=4), {}, {})


def to_wav(ffmpeg: str, clip: Clip, path: Path) -> None:
    cut = [] if clip.start is None else ["-ss", str(clip.start), "-t", str(clip.end - clip.start)]
    how = ["-vn", "-ac", "1", "-ar", str(SAMPLING_RATE), "-y", "-loglevel", "quiet"]
    subprocess.run([ffmpeg, *cut, "-i", str(clip.path), *how, str(path)], check=True)


def librosa_features(waveform: np.ndarray) -> None:
    """Compute the mel spectrogram and the feature set ``thesis`` with Sentir's settings."""
    import librosa

    cut = {"frame_length": WIN_LENGTH, "hop_length": HOP_LENGTH}
    spectra = {"n_fft": N_FFT, "win_length": WIN_LENGTH, "hop_length": HOP_LENGTH}
    mel = librosa.feature.melspectrogram(y=waveform, sr=SAMPLING_RATE, n_mels=N_MELS, **spectra)
    mel = librosa.power_to_db(mel, ref=1.0, amin=1e-10, top_db=None)
    thesis_features(waveform, librosa.feature.mfcc(S=mel, n_mfcc=4), cut, spectra)


def sentir_features(waveform: np.ndarray) -> None:
    descriptors._compute_thesis_set(waveform, descriptors._compute_frame_descriptors(waveform))


def thesis_features(waveform: np.ndarray, mfcc: np.ndarray, cut: dict, spectra: dict) -> list[float]:
    import librosa

    series = (
        librosa.feature.rms(y=waveform, **cut),
        librosa.feature.zero_crossing_rate(waveform, **cut),
        librosa.feature.spectral_flatness(y=waveform, **spectra),
        librosa.feature.spectral_rolloff(y=waveform, sr=SAMPLING_RATE, **spectra),
    )
    return [len(waveform) / SAMPLING_RATE, *(float(one.mean()) for one in series), *mfcc.mean(axis=1).tolist()]


# ------------------------------------------------------------------------------------------------ measuring


def best_times(works: Sequence[Callable[[], object]], rounds: int) -> list[float]:
    """Return the minimum time of each function, run by turns; more than that is other load (see `timeit`)."""
    times = alternate({str(n): work for n, work in enumerate(works)}, rounds)
    return [min(seconds) for seconds in times.rounds.values()]


def pipeline_stages(clips: Sequence[Clip], waveforms: Sequence[np.ndarray]) -> dict[str, Callable[[], object]]:
    """Return the steps of `prepare_with_sentir`; the rest of its time is keys and the store."""
    paths = list(dict.fromkeys(clip.path for clip in clips))
    return {
        "hash": lambda: hash_files(paths),
        "decode and resample": lambda: [decode_segments(path, [(None, None)]) for path in paths],
        "mel and descriptors": lambda: [extract_descriptors(waveform) for waveform in waveforms],
    }


def measure_speed(folder: Path, waveforms: Sequence[np.ndarray], ffmpeg: str | None, rounds: int) -> None:
    print(
        "| clips | thesis / Sentir | FFmpeg twice / Sentir | no FFmpeg / Sentir | × real time | % of the time |"
    )
    print("|---|--:|--:|--:|--:|---|")
    for name, clips in write_clips(folder, waveforms):
        steps = pipeline_stages(clips, waveforms)
        many = duplicate_clips(clips, STORE_PART_SIZE)
        works = [lambda many=many: prepare_with_sentir(many, folder), *steps.values()]
        options = [{"ffmpeg": ffmpeg}, {"ffmpeg": ffmpeg, "decode_twice": True}] if ffmpeg else []
        options += [{"ffmpeg": None}] if "wav" in name else []
        works += [lambda clips=clips, one=one: prepare_like_thesis(clips, folder, **one) for one in options]
        ours, *rest = best_times(works, rounds)
        ours *= len(clips) / len(many)
        parts = dict(zip(steps, rest[: len(steps)], strict=True))
        parts["store"] = max(0.0, ours - sum(parts.values()))
        others = rest[len(steps) :]
        ratios = ["", ""] if not ffmpeg else []
        ratios += [f"{other / ours:.1f}" for other in others]
        cells = [*ratios, *[""] * (3 - len(ratios))]
        shares = ", ".join(f"{part} {100 * cost / ours:.0f}" for part, cost in parts.items())
        print(f"| {name} | {' | '.join(cells)} | {len(clips) * SECONDS / ours:.0f} | {shares} |", flush=True)
    works = (librosa_features, sentir_features, extract_descriptors)
    librosa_time, equal_time, total_time = best_times(
        [lambda work=work: [work(waveform) for waveform in waveforms] for work in works], rounds
    )
    print(f"\nlibrosa's mel and thesis features / Sentir's: {librosa_time / equal_time:.1f}")
    print(f"the same / Sentir's with functionals and health: {librosa_time / total_time:.1f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("ravdess", type=Path, nargs="?", default=Path("../shared/data/ravdess"))
    parser.add_argument(
        "--ffmpeg", default=shutil.which("ffmpeg"), help="path of FFmpeg, if it is not on the PATH"
    )
    parser.add_argument("--quick", action="store_true", help="few clips and rounds")
    given = parser.parse_args()
    if not given.ffmpeg:
        print(
            "FFmpeg was not found: the thesis' pipeline is measured on WAV only; give its path with --ffmpeg.\n"
        )
    waveforms = load_waveforms(given.ravdess, 6 if given.quick else 24)
    with tempfile.TemporaryDirectory() as folder, threadpool_limits(1):
        measure_speed(Path(folder), waveforms, given.ffmpeg, 3 if given.quick else 9)


if __name__ == "__main__":
    main()
