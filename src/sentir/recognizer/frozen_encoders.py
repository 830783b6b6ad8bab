"""Utterances → embeddings of frozen encoders, each computed once and then taken from the cache."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray

from sentir.audio.decoding import SAMPLING_RATE, Waveform, decode_segments
from sentir.corpus.utterances import Clip
from sentir.errors import AudioError
from sentir.i18n import _
from sentir.models.device import get_best_device
from sentir.models.speech_encoder import SpeechEncoder
from sentir.models.text_encoder import TextEncoder
from sentir.models.tokenization import Encoding, TextTokenizer
from sentir.preprocessing.waveform import WaveformInputs, center_crop
from sentir.recognizer.embedding_cache import encode_cached

_TEXTS_PER_CHUNK = 2048  # cached together
_TOKENS_PER_BATCH = 4096  # padded tokens per forward pass
_CLIPS_PER_CHUNK = 256  # decoded, encoded and cached together
_SAMPLES_PER_BATCH = 30 * SAMPLING_RATE


def encode_texts(
    encoder: TextEncoder, tokenizer: TextTokenizer, encodings: Sequence[Encoding], *, digest: str, use_cache: bool
) -> NDArray[np.float32]:
    """Encode N tokenized utterances, or take their vectors from the cache, see `encode_once`.

    Returns:
        ``(N, L, d)`` float32.
    """
    if not encodings:
        return np.zeros((0, *encoder.states_shape), dtype=np.float32)
    keys = [hashlib.sha256(json.dumps(row, sort_keys=True).encode()).hexdigest()[:32] for row in encodings]
    by_length = sorted(zip(keys, encodings, strict=True), key=lambda pair: len(pair[1]["input_ids"]))
    return encode_cached(
        keys, dict(by_length), partial(_encode_sorted_by_length, encoder, tokenizer),
        digest=digest, use_cache=use_cache, chunk_size=_TEXTS_PER_CHUNK, description=_("Encoding text"),
    )  # fmt: skip


def _encode_sorted_by_length(
    encoder: TextEncoder, tokenizer: TextTokenizer, encodings: Sequence[Encoding], advance: Callable[[int], None]
) -> NDArray[np.float32]:
    """Encode rows sorted by length, in batches of about `_TOKENS` padded tokens."""
    device = get_best_device()
    encoder.to(device).eval()
    done: list[NDArray[np.float32]] = []
    start = 0
    with torch.inference_mode():
        while start < len(encodings):
            size = max(1, _TOKENS_PER_BATCH // len(encodings[min(start + 63, len(encodings) - 1)]["input_ids"]))
            batch = tokenizer.pad(encodings[start : start + size])
            vectors = encoder(**{k: v.to(device) for k, v in batch.items() if k in encoder.input_names})
            done.append(vectors.float().cpu().numpy())
            advance(len(vectors))
            start += size
    return np.concatenate(done)


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
            digest=digest, use_cache=use_cache, chunk_size=_CLIPS_PER_CHUNK, description=_("Encoding sound"),
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
