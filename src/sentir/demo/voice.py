"""Voices of the demo corpora: espeak-ng synthesizes each line with the prosody of its emotion.

The directions follow the tables of Murray and Arnott, "Toward the simulation of emotion in synthetic speech"
(JASA 93, 1993: rate, mean pitch, pitch range and intensity of five emotions), and Scherer, "Vocal communication
of emotion" (Speech Communication 40, 2003: energy in high frequencies, here `Prosody.spectral_tilt`). Surprise,
in neither, is high with a very wide range. The magnitudes, in `EMOTION_PROSODY`, are Sentir's own.

=========  ==============  ================  ===============  ==========  ==========
emotion    pitch           range             rate             intensity   high bands
=========  ==============  ================  ===============  ==========  ==========
anger      higher          much wider        slightly faster  higher      much more
disgust    lower           slightly wider    much slower      lower       as neutral
fear       much higher     wider             much faster      as neutral  more
joy        higher          much wider        slightly faster  higher      more
sadness    slightly lower  narrower          slower           lower       much less
surprise   much higher     very much wider   as neutral       higher      as neutral
=========  ==============  ================  ===============  ==========  ==========

Speakers differ in voice, pitch, rate and level, and every line deviates randomly, so that a voice is only partly
informative. All randomness is seeded by names and ids: the same samples in any order, process or run.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import astuple, dataclass

import numpy as np
from numpy.typing import NDArray

from sentir.demo.grammar import StableRandom
from sentir.errors import CorpusError
from sentir.i18n import _

if sys.platform == "win32":
    import _ctypes

    unload = _ctypes.FreeLibrary
else:
    from _ctypes import dlclose as unload

Waveform = NDArray[np.float32]

VOICE_VERSION = 1
"""To be raised when a change here or in `sentir.demo.media` changes the audio."""
VOICE_SAMPLING_RATE = 22_050
"""Of espeak-ng's English voices, in Hz."""
NEUTRAL_LEVEL_DBFS = -30.0  # of the spoken parts of a neutral line
WORDS_PER_MINUTE = 168  # as counted by espeak-ng; a neutral line then fills four fifths of its duration
MIN_SILENCE_SECONDS = 0.04  # of every line


@dataclass(frozen=True, slots=True)
class Prosody:
    """The prosody of a line, relative to a neutral one.

    Attributes:
        pitch: in semitones.
        pitch_range: in steps of espeak-ng's pitch range, whose default is 50.
        speaking_rate: as a share of the neutral rate.
        level: in dB.
        spectral_tilt: positive for more energy in high frequencies.
    """

    pitch: float = 0.0
    pitch_range: float = 0.0
    speaking_rate: float = 0.0
    level: float = 0.0
    spectral_tilt: float = 0.0


EMOTION_PROSODY = {
    "anger": Prosody(3.0, 25.0, 0.08, 5.0, 0.45),
    "disgust": Prosody(-3.5, 8.0, -0.20, -2.0, 0.0),
    "fear": Prosody(4.5, 12.0, 0.22, 0.0, 0.15),
    "joy": Prosody(2.5, 28.0, 0.06, 3.0, 0.2),
    "neutral": Prosody(),
    "sadness": Prosody(-1.5, -25.0, -0.12, -5.0, -0.4),
    "surprise": Prosody(5.5, 42.0, 0.0, 2.0, 0.0),
}
SPEAKER_STD = Prosody(1.2, 5.0, 0.03, 1.5, 0.1)
LINE_STD = Prosody(1.7, 11.0, 0.07, 2.5, 0.2)

ACCENTS = ("en-us", "en-us", "en-us-nyc", "en-gb-x-rp", "en-gb-scotland", "en-gb-x-gbclan", "en-029")
VARIANTS = (
    "f1", "f2", "f3", "f4", "f5", "m1", "m2", "m3", "m4", "m5", "m6", "m7", "m8", "Annie", "belinda", "croak",
    "grandma", "grandpa", "linda", "quincy", "robert",
)  # fmt: skip
CAST_VOICES = {
    "Nadia": "en-us+f2",
    "Tobias": "en-us+m3",
    "Ingrid": "en-gb-x-rp+f4",
    "Marcus": "en-us-nyc+m7",
    "Yolanda": "en-us+f1",
    "Desmond": "en-gb-scotland+m1",
}


@dataclass(frozen=True, slots=True)
class ScriptLine:
    """A line to synthesize.

    Attributes:
        id: unique; the seed of the line's random deviation.
        emotion_strengths: emotion → strength, 1 for the prosody of `EMOTION_PROSODY`; empty is neutral.
        seconds: duration of the audio.
    """

    id: str
    text: str
    speaker: str
    emotion_strengths: Mapping[str, float]
    seconds: float


def synthesize(line: ScriptLine) -> Waveform:
    """Return exactly ``line.seconds`` of audio, ``(samples,)`` at `VOICE_SAMPLING_RATE`, with silence around.

    A line that would take longer is spoken faster.

    Raises:
        CorpusError: if espeak-ng is not installed or cannot be loaded.
    """
    rng = StableRandom(f"voice/{line.id}")
    prosody = _mix_prosody(line, rng)
    voice = CAST_VOICES.get(line.speaker) or _draw_voice(line.speaker)
    max_samples = int((line.seconds - MIN_SILENCE_SECONDS) * VOICE_SAMPLING_RATE)
    rate = WORDS_PER_MINUTE * (1 + prosody.speaking_rate)
    raw = _run_espeak(line.text, voice, rate, prosody)
    while len(raw) > max_samples and rate < 400:
        rate *= max(1.05, len(raw) / max_samples)
        raw = _run_espeak(line.text, voice, rate, prosody)
    speech = _apply_tilt_and_level(raw[:max_samples], prosody)
    waveform = np.zeros(round(line.seconds * VOICE_SAMPLING_RATE), dtype=np.float32)
    start = int((len(waveform) - len(speech)) * rng.randint(20, 60) / 100)
    waveform[start : start + len(speech)] = speech
    return waveform


def _mix_prosody(line: ScriptLine, rng: StableRandom) -> Prosody:
    """Mix the prosody of the line's emotions, and add random deviations of speaker and line."""
    total = sum(line.emotion_strengths.values())
    values = _draw_deviation(SPEAKER_STD, StableRandom(f"voice/{line.speaker}")) + _draw_deviation(LINE_STD, rng)
    for emotion, strength in line.emotion_strengths.items():
        values = values + np.array(astuple(EMOTION_PROSODY[emotion])) * strength / max(1.0, total)
    return Prosody(*values.tolist())


def _draw_deviation(std: Prosody, rng: StableRandom) -> NDArray[np.float64]:
    """Draw a nearly normal deviation per attribute, with these standard deviations."""
    return np.array([sd * sum(rng.randint(-1000, 1000) for _n in range(3)) / 1000 for sd in astuple(std)])


def _draw_voice(speaker: str) -> str:
    unused = [voice for a in ACCENTS for v in VARIANTS if (voice := f"{a}+{v}") not in CAST_VOICES.values()]
    return StableRandom(f"voice of {speaker}").choice(unused)


def _apply_tilt_and_level(samples: NDArray[np.int16], prosody: Prosody) -> Waveform:
    """Apply the spectral tilt, and scale the spoken parts to their level without clipping."""
    waveform = samples.astype(np.float32)
    tilt = float(np.clip(prosody.spectral_tilt, -0.8, 0.8))
    waveform[1:] -= tilt * waveform[:-1].copy()
    spoken = waveform[np.abs(waveform) > 0.02 * np.abs(waveform).max(initial=1e-9)]
    rms = float(np.sqrt(np.mean(np.square(spoken)))) if len(spoken) else 1.0
    gain = 10 ** ((NEUTRAL_LEVEL_DBFS + prosody.level) / 20) / rms
    return waveform * np.float32(min(gain, 0.95 / np.abs(waveform).max(initial=1e-9)))


# --------------------------------------------------------------------------------------------------- espeak-ng

_SYNCHRONOUS, _NO_EXIT, _UTF8, _CHARACTERS = 2, 0x8000, 1, 1
_PARAMETERS = {"rate": 1, "pitch": 3, "range": 4}
_CALLBACK = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)


def get_voice_version() -> str:
    """Return the version of the voices: Sentir's and espeak-ng's.

    Raises:
        CorpusError: if espeak-ng is not installed or cannot be loaded.
    """
    with _load_espeak() as library:
        library.espeak_Info.restype = ctypes.c_char_p
        return f"{VOICE_VERSION}/{library.espeak_Info(None).decode()}"


def _run_espeak(text: str, voice: str, words_per_minute: float, prosody: Prosody) -> NDArray[np.int16]:
    """Return espeak-ng's output, ``(samples,)``; its pitch 50 is the voice's own, 0 and 99 an octave off."""
    samples = bytearray()

    def collect(chunk: ctypes._Pointer[ctypes.c_short] | None, n: int, _events: int | None) -> int:
        if chunk and n > 0:
            samples.extend(ctypes.string_at(chunk, 2 * n))
        return 0

    callback, content = _CALLBACK(collect), text.encode() + b"\0"
    settings = {
        "rate": words_per_minute,
        "pitch": 50 + prosody.pitch * 50 / 12,
        "range": 50 + prosody.pitch_range,
    }
    limits = {"rate": (80, 450), "pitch": (0, 99), "range": (0, 100)}
    with _load_espeak() as library:
        library.espeak_SetSynthCallback(callback)
        if library.espeak_SetVoiceByName(voice.encode()):
            raise CorpusError(_("espeak-ng has no voice '{voice}'; reinstall espeakng-loader.", voice=voice))
        for name, value in settings.items():
            library.espeak_SetParameter(_PARAMETERS[name], int(np.clip(round(value), *limits[name])), 0)
        size = ctypes.c_size_t(len(content))
        library.espeak_Synth(content, size, 0, _CHARACTERS, 0, _UTF8, None, None)
    return np.frombuffer(bytes(samples), dtype=np.int16)


@contextmanager
def _load_espeak() -> Iterator[ctypes.CDLL]:
    """Load espeak-ng anew for one line: flutter, echo and gain persist between lines and cannot be reset."""
    library = None
    try:
        import espeakng_loader

        library = ctypes.CDLL(espeakng_loader.get_library_path())
        data = espeakng_loader.get_data_path().encode()
        if library.espeak_Initialize(_SYNCHRONOUS, 0, data, _NO_EXIT) != VOICE_SAMPLING_RATE:
            raise RuntimeError(_("it cannot be initialized"))
    except (ImportError, OSError, RuntimeError) as error:  # RuntimeError: espeakng_loader finds no voices
        raise CorpusError(
            _(
                "The speech of the demo corpora needs espeak-ng, which cannot be used ({why}); reinstall the "
                "package espeakng-loader, or set data.audio=false.",
                why=error,
            )
        ) from error
    library.espeak_ng_SetRandSeed(ctypes.c_long(1))
    try:
        yield library
    finally:
        library.espeak_Terminate()
        unload(library._handle)
