"""Sound of utterances → waves for a speech encoder that learns, or the vectors of a frozen one.

Waves are never stored: a frozen encoder hears a clip once and its vectors are cached by content; for one that
learns, clips are decoded when a batch needs them and kept in memory as long as there is room.
See ``docs/decisions/speech-backbones.md``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sentir.audio.decoding import RATE, Wave, decode, decode_cuts
from sentir.corpus.utterances import Clip, Utterance
from sentir.errors import AudioError, CorpusError, RecipeError
from sentir.i18n import _
from sentir.models.speech_backbones import SpeechExtractor, load_speech_encoder
from sentir.models.speech_encoder import SpeechEncoder
from sentir.models.text_encoder import best_device
from sentir.recipe import Audio
from sentir.recognizer.embedding_cache import encode_once, encoder_digest, last_written

_CHUNK = 256  # clips that are decoded, encoded and cached together
_AT_ONCE = 30 * RATE  # samples that a frozen encoder hears at a time
_ROOM = 2 * 2**30  # bytes of waves that are kept in memory: 19 hours of sound


@dataclass
class Waves:
    """Where the waves of N utterances come from.

    A wave is the middle of its clip, at most ``longest`` samples of it, rounded to float16, whose steps are 66 dB
    below the loudness of the moment.

    Attributes:
        clips: of N utterances; ``None`` without usable sound.
        keys: N hashes of what the clips hold; ``""`` without usable sound.
        samples: ``(N,)`` how much of each is heard.
        extractor: makes the encoder's input of a wave.
    """

    clips: tuple[Clip | None, ...]
    keys: tuple[str, ...]
    samples: NDArray[np.int64]
    longest: int
    extractor: SpeechExtractor
    _kept: dict[int, NDArray[np.float16]] = field(default_factory=dict)
    _room: int = _ROOM

    @property
    def frames(self) -> NDArray[np.int64]:
        """Lengths ``(N,)`` in frames of the encoder."""
        return np.array([self.extractor.steps(int(n)) for n in self.samples], dtype=np.int64)

    def batch(self, rows: Sequence[int]) -> dict[str, Tensor]:
        """Return ``wave``, ``steps`` and ``has_sound`` of n rows.

        Raises:
            AudioError: if a clip can no longer be decoded.
        """
        return self.extractor.pad([self._wave(row) for row in rows])

    def _wave(self, row: int) -> Wave | None:
        clip = self.clips[row]
        if clip is None:
            return None
        kept = self._kept.get(row)
        if kept is None:
            kept = middle(decode(clip).wave, self.longest).astype(np.float16)
            if kept.nbytes <= self._room:
                self._kept[row], self._room = kept, self._room - kept.nbytes
        return kept.astype(np.float32)


class WaveInput:
    """What lies between a clip and a speech encoder.

    Args:
        audio: the recipe's ``model.audio`` section.
        weights: folder of a saved encoder, which takes the place of the recipe's.

    Attributes:
        digest: names a frozen encoder by its weights; ``""`` for one that is trained.

    Raises:
        SentirError: as `load_speech_encoder`.
    """

    def __init__(self, audio: Audio, *, weights: str | None = None) -> None:
        require_pretrained_speech(audio)
        self.audio, self.frozen = audio, is_frozen(audio)
        layers = audio.layers
        if layers is None and not self.frozen:
            layers = (-1,)
        name = audio.backbone if weights is None else weights
        source = weights or audio.weights
        pretrained = audio.pretrained or weights is not None
        wanted: dict[str, Any] = {"weights": source, "pretrained": pretrained, "layers": layers}
        if self.frozen:
            self.encoder, self.extractor, self.digest = _load_shared(last_written(source or name), name, **wanted)
        else:
            self.encoder, self.extractor = load_speech_encoder(name, **wanted)
            self.digest = ""

    def prepare(self, utterances: Sequence[Utterance]) -> tuple[dict[str, Tensor], Waves | None]:
        """Turn N utterances that have been listened to into what the model takes.

        Returns:
            ``speech_states`` ``(N, L, d)`` of a frozen encoder and ``has_sound`` ``(N,)``; or nothing, and waves.
        """
        usable = [u.clip if u.sound is not None and u.sound.key else None for u in utterances]
        longest = self.audio.max_seconds * RATE
        samples = [min(round(u.sound.seconds * RATE), longest) if u.sound else 0 for u in utterances]
        keys = [u.sound.key if u.sound else "" for u in utterances]
        waves = Waves(tuple(usable), tuple(keys), np.array(samples, dtype=np.int64), longest, self.extractor)
        if not self.frozen:
            return {}, waves
        remember = all(u.split for u in utterances)
        states = encode_waves(self.encoder, waves, digest=self.digest, remember=remember)
        has_sound = torch.tensor([clip is not None for clip in usable], dtype=torch.bool)
        return {"speech_states": torch.from_numpy(states), "has_sound": has_sound}, None


def is_frozen(audio: Audio) -> bool:
    """Tell whether the speech encoder of a recipe does not learn."""
    return audio.encoder != "finetune"


def require_pretrained_speech(audio: Audio) -> None:
    """Refuse a frozen speech encoder of random weights.

    Raises:
        RecipeError: saying what to set.
    """
    if is_frozen(audio) and not audio.pretrained:
        raise RecipeError(
            _(
                "'model.audio.encoder = frozen' needs pretrained weights; set model.audio.pretrained=true or "
                "model.audio.encoder=finetune."
            )
        )


def middle(wave: Wave, longest: int) -> Wave:
    """Return the middle of a wave that is longer than so many samples."""
    start = max(0, (len(wave) - longest) // 2)
    return wave[start : start + longest]


def encode_waves(encoder: SpeechEncoder, waves: Waves, *, digest: str, remember: bool) -> NDArray[np.float32]:
    """Encode N clips, or take their vectors from the cache.

    Args:
        encoder: a frozen one.
        waves: what it hears.
        digest: names it.
        remember: whether to use the cache, see `encode_once`.

    Returns:
        ``(N, L, d)`` float32; zeros where there is no sound.

    Raises:
        AudioError: if a clip can no longer be decoded.
    """
    found = np.zeros((len(waves.keys), *encoder.states_shape), dtype=np.float32)
    heard = [row for row, key in enumerate(waves.keys) if key]
    keys = [_vector_key(waves.keys[row], waves.longest) for row in heard]
    if heard:
        found[heard] = encode_once(
            keys, dict(zip(keys, heard, strict=True)), partial(_encode_clips, encoder, waves),
            digest=digest, remember=remember, chunk=_CHUNK, title=_("Encoding sound"),
        )  # fmt: skip
    return found


def _vector_key(sound: str, longest: int) -> str:
    return hashlib.sha256(f"{sound} {longest}".encode()).hexdigest()[:32]


def _encode_clips(
    encoder: SpeechEncoder, waves: Waves, rows: Sequence[int], advance: Callable[[int], None]
) -> NDArray[np.float32]:
    """Decode and encode some rows; clips of like length are heard together."""
    device = best_device()
    encoder.to(device).eval()
    heard = _decode(waves, rows)
    order = sorted(range(len(rows)), key=lambda n: int(waves.samples[rows[n]]))
    found = np.zeros((len(rows), *encoder.states_shape), dtype=np.float32)
    with torch.inference_mode():
        while order:
            size = max(1, _AT_ONCE // max(int(waves.samples[rows[order[0]]]), waves.extractor.least))
            places, order = order[:size], order[size:]
            batch = waves.extractor.pad([heard[rows[n]] for n in places])
            vectors = encoder(**{name: tensor.to(device) for name, tensor in batch.items()})
            found[places] = vectors.float().cpu().numpy()
            advance(len(places))
    return found


def _decode(waves: Waves, rows: Sequence[int]) -> Mapping[int, Wave]:
    """Decode rows, each file once."""
    by_path: dict[Path, list[int]] = {}
    for row in rows:
        by_path.setdefault(cast(Clip, waves.clips[row]).path, []).append(row)
    found: dict[int, Wave] = {}
    for path, members in by_path.items():
        clips = [cast(Clip, waves.clips[row]) for row in members]
        for row, decoded in zip(members, decode_cuts(path, [(c.start, c.end) for c in clips]), strict=True):
            if isinstance(decoded, AudioError):
                raise decoded
            found[row] = middle(decoded.wave, waves.longest)
    return found


def require_sound(train: Sequence[Utterance]) -> None:
    """Refuse train utterances none of which has usable sound.

    Raises:
        CorpusError: saying where to look.
    """
    if not any(u.sound is not None and u.sound.key for u in train):
        raise CorpusError(
            _("No train utterance has usable sound; look at it with 'sentir corpus prepare' and data.sound.")
        )


@lru_cache(maxsize=2)
def _load_shared(written: int, name: str, **wanted: Any) -> tuple[SpeechEncoder, SpeechExtractor, str]:
    """Load and hash an encoder that never changes, so that trainings share it, and that was ``written`` then."""
    encoder, extractor = load_speech_encoder(name, **wanted)
    settings = f"{encoder_digest(encoder)} {extractor.settings()}"
    return encoder, extractor, hashlib.sha256(settings.encode()).hexdigest()[:16]
