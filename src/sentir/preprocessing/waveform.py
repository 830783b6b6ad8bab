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

from sentir.audio.decoding import SAMPLING_RATE, Waveform, decode, decode_segments
from sentir.corpus.utterances import Clip, Utterance
from sentir.errors import AudioError, CorpusError, RecipeError
from sentir.i18n import _
from sentir.models.speech_backbones import SpeechFeatureExtractor, load_speech_encoder
from sentir.models.speech_encoder import SpeechEncoder
from sentir.models.text_encoder import get_best_device
from sentir.recipe import AudioSettings
from sentir.recognizer.embedding_cache import encode_cached, encoder_digest, last_modified_ns

_CHUNK_SIZE = 256  # clips that are decoded, encoded and cached together
_SAMPLES_PER_BATCH = 30 * SAMPLING_RATE  # samples that a frozen encoder hears at a time
_CACHE_BYTES = 2 * 2**30  # bytes of waves that are kept in memory: 19 hours of sound


@dataclass
class WaveformInputs:
    """Where the waves of N utterances come from.

    A wave is the middle of its clip, at most ``longest`` samples of it, rounded to float16, whose steps are 66 dB
    below the loudness of the moment.

    Attributes:
        clips: of N utterances; ``None`` without usable sound.
        content_hashes: N hashes of what the clips hold; ``""`` without usable sound.
        num_samples: ``(N,)`` how much of each is heard.
        extractor: makes the encoder's input of a wave.
    """

    clips: tuple[Clip | None, ...]
    content_hashes: tuple[str, ...]
    num_samples: NDArray[np.int64]
    max_samples: int
    extractor: SpeechFeatureExtractor
    _cache: dict[int, NDArray[np.float16]] = field(default_factory=dict)
    _free_bytes: int = _CACHE_BYTES

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Lengths ``(N,)`` in frames of the encoder."""
        return np.array([self.extractor.num_frames(int(n)) for n in self.num_samples], dtype=np.int64)

    def batch(self, rows: Sequence[int]) -> dict[str, Tensor]:
        """Return ``wave``, ``steps`` and ``has_audio`` of n rows.

        Raises:
            AudioError: if a clip can no longer be decoded.
        """
        return self.extractor.pad([self._load_waveform(row) for row in rows])

    def _load_waveform(self, row: int) -> Waveform | None:
        clip = self.clips[row]
        if clip is None:
            return None
        kept = self._cache.get(row)
        if kept is None:
            kept = center_crop(decode(clip).waveform, self.max_samples).astype(np.float16)
            if kept.nbytes <= self._free_bytes:
                self._cache[row], self._free_bytes = kept, self._free_bytes - kept.nbytes
        return kept.astype(np.float32)


class WaveformPreprocessor:
    """What lies between a clip and a speech encoder.

    Args:
        audio: the recipe's ``model.audio`` section.
        weights: folder of a saved encoder, which takes the place of the recipe's.

    Attributes:
        digest: names a frozen encoder by its weights; ``""`` for one that is trained.

    Raises:
        SentirError: as `load_speech_encoder`.
    """

    def __init__(self, audio: AudioSettings, *, encoder_folder: str | None = None) -> None:
        require_pretrained_speech(audio)
        self.audio, self.frozen = audio, is_speech_encoder_frozen(audio)
        layers = audio.layers
        if layers is None and not self.frozen:
            layers = (-1,)
        name = audio.backbone if encoder_folder is None else encoder_folder
        source = encoder_folder or audio.weights
        pretrained = audio.pretrained or encoder_folder is not None
        wanted: dict[str, Any] = {"weights": source, "pretrained": pretrained, "layers": layers}
        if self.frozen:
            self.encoder, self.extractor, self.digest = _load_frozen_encoder(
                last_modified_ns(source or name), name, **wanted
            )
        else:
            self.encoder, self.extractor = load_speech_encoder(name, **wanted)
            self.digest = ""

    def transform(self, utterances: Sequence[Utterance]) -> tuple[dict[str, Tensor], WaveformInputs | None]:
        """Turn N utterances that have been listened to into what the model takes.

        Returns:
            ``speech_states`` ``(N, L, d)`` of a frozen encoder and ``has_audio`` ``(N,)``; or nothing, and waves.
        """
        usable = [u.clip if u.audio is not None and u.audio.key else None for u in utterances]
        longest = self.audio.max_seconds * SAMPLING_RATE
        samples = [min(round(u.audio.seconds * SAMPLING_RATE), longest) if u.audio else 0 for u in utterances]
        keys = [u.audio.key if u.audio else "" for u in utterances]
        waves = WaveformInputs(
            tuple(usable), tuple(keys), np.array(samples, dtype=np.int64), longest, self.extractor
        )
        if not self.frozen:
            return {}, waves
        remember = all(u.split for u in utterances)
        states = encode_waveforms(self.encoder, waves, digest=self.digest, use_cache=remember)
        has_audio = torch.tensor([clip is not None for clip in usable], dtype=torch.bool)
        return {"speech_states": torch.from_numpy(states), "has_audio": has_audio}, None


def is_speech_encoder_frozen(audio: AudioSettings) -> bool:
    """Tell whether the speech encoder of a recipe does not learn."""
    return audio.encoder != "finetune"


def require_pretrained_speech(audio: AudioSettings) -> None:
    """Refuse a frozen speech encoder of random weights.

    Raises:
        RecipeError: saying what to set.
    """
    if is_speech_encoder_frozen(audio) and not audio.pretrained:
        raise RecipeError(
            _(
                "'model.audio.encoder = frozen' needs pretrained weights; set model.audio.pretrained=true or "
                "model.audio.encoder=finetune."
            )
        )


def center_crop(waveform: Waveform, max_samples: int) -> Waveform:
    """Return the middle of a wave that is longer than so many samples."""
    start = max(0, (len(waveform) - max_samples) // 2)
    return waveform[start : start + max_samples]


def encode_waveforms(
    encoder: SpeechEncoder, waveforms: WaveformInputs, *, digest: str, use_cache: bool
) -> NDArray[np.float32]:
    """Encode N clips, or take their vectors from the cache.

    Args:
        encoder: a frozen one.
        waveforms: what it hears.
        digest: names it.
        use_cache: whether to use the cache, see `encode_once`.

    Returns:
        ``(N, L, d)`` float32; zeros where there is no sound.

    Raises:
        AudioError: if a clip can no longer be decoded.
    """
    found = np.zeros((len(waveforms.content_hashes), *encoder.states_shape), dtype=np.float32)
    heard = [row for row, key in enumerate(waveforms.content_hashes) if key]
    keys = [_cache_key(waveforms.content_hashes[row], waveforms.max_samples) for row in heard]
    if heard:
        found[heard] = encode_cached(
            keys, dict(zip(keys, heard, strict=True)), partial(_encode_clips, encoder, waveforms),
            digest=digest, use_cache=use_cache, chunk_size=_CHUNK_SIZE, description=_("Encoding sound"),
        )  # fmt: skip
    return found


def _cache_key(content_hash: str, max_samples: int) -> str:
    return hashlib.sha256(f"{content_hash} {max_samples}".encode()).hexdigest()[:32]


def _encode_clips(
    encoder: SpeechEncoder, waveforms: WaveformInputs, rows: Sequence[int], advance: Callable[[int], None]
) -> NDArray[np.float32]:
    """Decode and encode some rows; clips of like length are heard together."""
    device = get_best_device()
    encoder.to(device).eval()
    heard = _decode_clips(waveforms, rows)
    order = sorted(range(len(rows)), key=lambda n: int(waveforms.num_samples[rows[n]]))
    found = np.zeros((len(rows), *encoder.states_shape), dtype=np.float32)
    with torch.inference_mode():
        while order:
            size = max(
                1,
                _SAMPLES_PER_BATCH
                // max(int(waveforms.num_samples[rows[order[0]]]), waveforms.extractor.min_samples),
            )
            places, order = order[:size], order[size:]
            batch = waveforms.extractor.pad([heard[rows[n]] for n in places])
            vectors = encoder(**{name: tensor.to(device) for name, tensor in batch.items()})
            found[places] = vectors.float().cpu().numpy()
            advance(len(places))
    return found


def _decode_clips(waveforms: WaveformInputs, rows: Sequence[int]) -> Mapping[int, Waveform]:
    """Decode rows, each file once."""
    by_path: dict[Path, list[int]] = {}
    for row in rows:
        by_path.setdefault(cast(Clip, waveforms.clips[row]).path, []).append(row)
    found: dict[int, Waveform] = {}
    for path, members in by_path.items():
        clips = [cast(Clip, waveforms.clips[row]) for row in members]
        for row, decoded in zip(members, decode_segments(path, [(c.start, c.end) for c in clips]), strict=True):
            if isinstance(decoded, AudioError):
                raise decoded
            found[row] = center_crop(decoded.waveform, waveforms.max_samples)
    return found


def require_usable_audio(train: Sequence[Utterance]) -> None:
    """Refuse train utterances none of which has usable sound.

    Raises:
        CorpusError: saying where to look.
    """
    if not any(u.audio is not None and u.audio.key for u in train):
        raise CorpusError(
            _("No train utterance has usable sound; look at it with 'sentir corpus prepare' and data.sound.")
        )


@lru_cache(maxsize=2)
def _load_frozen_encoder(
    modified_ns: int, name: str, **wanted: Any
) -> tuple[SpeechEncoder, SpeechFeatureExtractor, str]:
    """Load and hash an encoder that never changes, so that trainings share it, and that was ``modified_ns`` then."""
    encoder, extractor = load_speech_encoder(name, **wanted)
    settings = f"{encoder_digest(encoder)} {extractor.settings()}"
    return encoder, extractor, hashlib.sha256(settings.encode()).hexdigest()[:16]
