"""How fast a corpus is prepared, on one core: against the thesis' way, and against librosa at equal settings.

The thesis' way is one FFmpeg process per clip to wav, librosa's mel of 128 bands in decibels against its maximum,
resized to 224 by 224, and a second decoding for the numeric features: of the wav that is there by then, or of the
clip by another FFmpeg process; both are measured. Where clips are 16 kHz wav already, so is it without FFmpeg.
Sentir hashes, decodes, resamples, measures (mel, ``thesis``, ``functionals``, ``health``) and writes a store, as
``sentir corpus prepare`` does. What counts is processor time, that of child processes included, so that the load
of the machine changes little.

Prints ratios measured in this run, on this machine. FFmpeg is looked for on the PATH, or named by ``--ffmpeg``.
"""

import argparse
import hashlib
import resource
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
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
from sentir.corpus.utterances import Clip, Utterance

STORE_PART_SIZE = 256  # clips that Sentir prepares at a time, a part of its store
SECONDS = 3.2  # MELD's mean
VIDEO_RATE = 48_000
BIT_RATES = {"stereo": 128_000, "5.1": 384_000}


# ------------------------------------------------------------------------------------------------ clips


def load_waveforms(ravdess: Path, n: int) -> list[np.ndarray]:
    """Return ``n`` waves of 3.2 s at 16 kHz: RAVDESS, or the demo's voices where that is not there."""
    paths = sorted((ravdess / "audio").glob("*.ogg"))[::7][:n]
    if paths:
        waves = [soundfile.read(path, dtype="float32")[0] for path in paths]
    else:
        from sentir.demo.voice import VOICE_SAMPLING_RATE, ScriptLine, synthesize

        line = "I have told you so many times that nobody believes it any more."
        lines = [ScriptLine(f"prepare/{k}", line, f"speaker {k}", {"joy": 1.0}, SECONDS) for k in range(n)]
        waves = [
            soxr.resample(synthesize(one), VOICE_SAMPLING_RATE, SAMPLING_RATE).astype(np.float32) for one in lines
        ]
    length = round(SECONDS * SAMPLING_RATE)
    return [np.pad(wave, (0, max(0, length - len(wave))))[:length] for wave in waves]


def write_mp4(path: Path, wave: np.ndarray, layout: str) -> None:
    """Write 48 kHz AAC, the voice in the center of 5.1, beside a picture that takes as many bytes as MELD's."""
    import av

    voice = soxr.resample(wave, SAMPLING_RATE, VIDEO_RATE)
    channels = len(av.AudioLayout(layout).channels)
    tracks = 1e-3 * np.random.default_rng(0).standard_normal((channels, len(voice)), dtype=np.float32)
    tracks[2 if channels == 6 else slice(None)] += voice
    pixels = np.random.default_rng(0).integers(0, 256, (80, 96, 3), dtype=np.uint8)
    with av.open(path, "w") as container:
        audio = container.add_stream("aac", rate=VIDEO_RATE, layout=layout, options={"aac_coder": "fast"})
        audio.bit_rate = BIT_RATES[layout]
        picture = container.add_stream("mpeg4", rate=24, width=96, height=80, options={"qmin": "2", "qmax": "2"})
        shown = [av.VideoFrame.from_ndarray(np.roll(pixels, 7 * n, axis=1)) for n in range(round(24 * SECONDS))]
        heard = av.AudioFrame.from_ndarray(tracks, format="fltp", layout=layout)
        heard.sample_rate = VIDEO_RATE
        for stream, descriptors in ((picture, shown), (audio, [heard])):
            for frame in (*descriptors, None):
                container.mux(stream.encode(frame))


def write_clips(folder: Path, waves: Sequence[np.ndarray]) -> Iterator[tuple[str, list[Clip]]]:
    """Write the clips of every case; yield its name and the clips."""
    for layout in ("5.1", "stereo"):
        paths = [folder / f"{layout}-{k}.mp4" for k in range(len(waves))]
        for path, wave in zip(paths, waves, strict=True):
            write_mp4(path, wave, layout)
        yield f"mp4, 48 kHz AAC, {layout}", [Clip(path) for path in paths]
    paths = [folder / f"clip-{k}.wav" for k in range(len(waves))]
    for path, wave in zip(paths, waves, strict=True):
        soundfile.write(path, wave, SAMPLING_RATE)
    yield "wav, 16 kHz clips", [Clip(path) for path in paths]
    whole = folder / "whole.wav"
    soundfile.write(whole, np.concatenate(waves), SAMPLING_RATE)
    yield "wav, 16 kHz whole video, cut", [Clip(whole, SECONDS * k, SECONDS * (k + 1)) for k in range(len(waves))]


def make_utterances(clips: Sequence[Clip]) -> list[Utterance]:
    return [Utterance(f"u{n}", "train", clip=clip) for n, clip in enumerate(clips)]


# ------------------------------------------------------------------------------------------------ the ways


def duplicate_clips(clips: Sequence[Clip], n: int) -> list[Clip]:
    """Return ``n`` clips or a few more, a part of the store: those of copies that end in other bytes."""
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
    """Prepare clips as the thesis did; without FFmpeg they are read as the wav that they are."""
    import librosa  # not above, for worker processes read this file as well
    from scipy.ndimage import zoom

    for clip in clips:
        path, start = clip.path, clip.start or 0.0
        if ffmpeg:
            path, start = folder / "thesis.wav", 0.0
            for _time in range(1 + decode_twice):
                to_wav(ffmpeg, clip, path)
        wave, _rate = librosa.load(path, sr=SAMPLING_RATE, offset=start, duration=min(4.0, SECONDS))
        wave = np.pad(wave, (0, 4 * SAMPLING_RATE - len(wave)))
        mel = librosa.feature.melspectrogram(y=wave, sr=SAMPLING_RATE, n_mels=128)
        mel = librosa.power_to_db(mel, ref=np.max)
        zoom(mel, (224 / mel.shape[0], 224 / mel.shape[1]), order=1)
        again, _rate = librosa.load(path, sr=SAMPLING_RATE, offset=start, duration=SECONDS)
        thesis_features(again, librosa.feature.mfcc(y=again, sr=SAMPLING_RATE, n_mfcc=4), {}, {})


def to_wav(ffmpeg: str, clip: Clip, path: Path) -> None:
    cut = [] if clip.start is None else ["-ss", str(clip.start), "-t", str(clip.end - clip.start)]
    how = ["-vn", "-ac", "1", "-ar", str(SAMPLING_RATE), "-y", "-loglevel", "quiet"]
    subprocess.run([ffmpeg, *cut, "-i", str(clip.path), *how, str(path)], check=True)


def librosa_features(wave: np.ndarray) -> None:
    """Make the mel and the features of the set ``thesis`` at Sentir's settings."""
    import librosa

    cut = {"frame_length": WIN_LENGTH, "hop_length": HOP_LENGTH}
    spectra = {"n_fft": N_FFT, "win_length": WIN_LENGTH, "hop_length": HOP_LENGTH}
    mel = librosa.feature.melspectrogram(y=wave, sr=SAMPLING_RATE, n_mels=N_MELS, **spectra)
    mel = librosa.power_to_db(mel, ref=1.0, amin=1e-10, top_db=None)
    thesis_features(wave, librosa.feature.mfcc(S=mel, n_mfcc=4), cut, spectra)


def sentir_features(wave: np.ndarray) -> None:
    descriptors._compute_thesis_set(wave, descriptors._compute_frame_descriptors(wave))


def thesis_features(wave: np.ndarray, mfcc: np.ndarray, cut: dict, spectra: dict) -> list[float]:
    import librosa

    series = (
        librosa.feature.rms(y=wave, **cut),
        librosa.feature.zero_crossing_rate(wave, **cut),
        librosa.feature.spectral_flatness(y=wave, **spectra),
        librosa.feature.spectral_rolloff(y=wave, sr=SAMPLING_RATE, **spectra),
    )
    return [len(wave) / SAMPLING_RATE, *(float(one.mean()) for one in series), *mfcc.mean(axis=1).tolist()]


# ------------------------------------------------------------------------------------------------ measuring


def measure_cpu_seconds(work: Callable[[], object]) -> float:
    """Processor time of this process and of those it starts."""
    before = _cpu_seconds()
    work()
    return _cpu_seconds() - before


def _cpu_seconds() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def best_times(works: Sequence[Callable[[], object]], rounds: int) -> list[float]:
    """Return the least seconds of each, the works taking turns: what is more is other load (see `timeit`)."""
    times = [[measure_cpu_seconds(work) for work in works] for _ in range(rounds)]
    return [min(column) for column in zip(*times, strict=True)]


def pipeline_stages(clips: Sequence[Clip], waves: Sequence[np.ndarray]) -> dict[str, Callable[[], object]]:
    """Return what Sentir does step by step; what `sentirs` takes beyond their sum is keys and the store."""
    paths = list(dict.fromkeys(clip.path for clip in clips))
    return {
        "hash": lambda: hash_files(paths),
        "decode and resample": lambda: [decode_segments(path, [(None, None)]) for path in paths],
        "mel and measures": lambda: [extract_descriptors(wave) for wave in waves],
    }


def measure_speed(folder: Path, waves: Sequence[np.ndarray], ffmpeg: str | None, rounds: int) -> None:
    print(
        "| clips | thesis' way / Sentir | FFmpeg twice / Sentir | no FFmpeg / Sentir | times real time | %, of |"
    )
    print("|---|--:|--:|--:|--:|---|")
    for name, clips in write_clips(folder, waves):
        steps = pipeline_stages(clips, waves)
        many = duplicate_clips(clips, STORE_PART_SIZE)
        works = [lambda many=many: prepare_with_sentir(many, folder), *steps.values()]
        ways = [{"ffmpeg": ffmpeg}, {"ffmpeg": ffmpeg, "twice": True}] if ffmpeg else []
        ways += [{"ffmpeg": None}] if "wav" in name else []
        works += [lambda clips=clips, way=way: prepare_like_thesis(clips, folder, **way) for way in ways]
        for work in works:
            work()  # once, so that imports and caches do not count
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
    alone, equal, every = best_times([lambda work=work: [work(wave) for wave in waves] for work in works], rounds)
    print(f"\nlibrosa's mel and thesis features / Sentir's: {alone / equal:.1f}")
    print(f"the same / Sentir's with functionals and health: {alone / every:.1f}")


# ------------------------------------------------------------------------------------------------ the whole


def measure_scaling(folder: Path, waves: Sequence[np.ndarray], small: int, large: int) -> None:
    """Print what memory, workers and bytes come to, each corpus prepared by fresh processes."""
    wavs = [Clip(folder / f"{n}.wav") for n in range(5 * large)]
    for n, clip in enumerate(wavs):
        soundfile.write(clip.path, np.roll(waves[n % len(waves)], n), SAMPLING_RATE)  # each another content
    mp4s = [Clip(folder / f"{n}.mp4") for n in range(len(waves))]
    for clip, wave in zip(mp4s, waves, strict=True):
        write_mp4(clip.path, wave, "stereo")
    for name, clips in (("wav", wavs), ("mp4", duplicate_clips(mp4s, large))):
        _wall, little = extract_in_new_process(clips[:small], folder / f"few-{name}", 1)
        turns = [
            extract_in_new_process(clips, folder / f"{name}-{n}-{workers}", workers)
            for n in range(2)
            for workers in (1, 2)
        ]
        (one, much), (two, _parent) = min(turns[::2]), min(turns[1::2])
        same = hash_store(clips, folder / f"{name}-0-1") == hash_store(clips, folder / f"{name}-0-2")
        print(f"{name}: peak of memory {little:.0f} MB with {small} clips, {much:.0f} MB with {len(clips)}")
        print(f"  two workers against one, {len(clips)} clips, wall time: {one / two:.2f} times as fast")
        print(f"  the same bytes with one worker and with two: {'yes' if same else 'NO'}", flush=True)


def extract_in_new_process(clips: Sequence[Clip], store: Path, workers: int) -> tuple[float, float]:
    """Prepare clips in a fresh process; return wall seconds and that process' peak of memory in MB."""
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        return pool.submit(_extract_audio, clips, store, workers).result()


def _extract_audio(clips: Sequence[Clip], store: Path, workers: int) -> tuple[float, float]:
    start = time.perf_counter()
    attach_audio(make_utterances(clips), folder=store, workers=workers)
    wall = time.perf_counter() - start
    status = Path("/proc/self/status")  # getrusage counts the parent's memory to its child
    lines = status.read_text().splitlines() if status.exists() else []
    return wall, next((int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM")), float("nan"))


def hash_store(clips: Sequence[Clip], store: Path) -> str:
    """Return a hash of all mels and measures in a store, in the order of the clips."""
    found = hashlib.sha256()
    for u in attach_audio(make_utterances(clips), folder=store):
        found.update(u.audio.mel.tobytes() + repr(sorted(u.audio.descriptors.items())).encode())
    return found.hexdigest()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("ravdess", type=Path, nargs="?", default=Path("../shared/data/ravdess"))
    parser.add_argument("--ffmpeg", default=shutil.which("ffmpeg"), help="the program, if it is not on the PATH")
    parser.add_argument("--quick", action="store_true", help="few clips and rounds, small corpora")
    given = parser.parse_args()
    if not given.ffmpeg:
        print("FFmpeg was not found: the thesis' way is measured on wav only; name it with --ffmpeg.\n")
    waves = load_waveforms(given.ravdess, 6 if given.quick else 24)
    with tempfile.TemporaryDirectory() as folder, threadpool_limits(1):
        measure_speed(Path(folder), waves, given.ffmpeg, 3 if given.quick else 9)
    with tempfile.TemporaryDirectory() as folder:
        measure_scaling(Path(folder), waves, *((50, 100) if given.quick else (500, 2_500)))


if __name__ == "__main__":
    main()
