"""Embeddings of frozen encoders, computed once and then loaded from the cache."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray

from sentir.audio.decoding import SAMPLING_RATE, Waveform, decode_segments
from sentir.corpus.utterances import AudioContent, Clip
from sentir.errors import AudioError
from sentir.i18n import _
from sentir.models.device import to_tensors
from sentir.models.speech_encoder import SpeechEncoder
from sentir.models.stage_encoder import StageEncoder
from sentir.models.text_encoder import TextEncoder
from sentir.models.tokenization import Encoding, TextTokenizer
from sentir.preprocessing.mel import MelInputs
from sentir.preprocessing.waveform import WaveformInputs, crop_waveform
from sentir.recognizer.embedding_cache import encode_cached
from sentir.recognizer.shared_embeddings import is_sharing

_TEXTS_PER_CHUNK = 2048  # encoded and cached together
_TOKENS_PER_BATCH = 4096  # about so many, padded
_CLIPS_PER_CHUNK = 256  # decoded, encoded and cached together
_MELS_PER_BATCH = 16
_SAMPLES_PER_BATCH = 30 * SAMPLING_RATE


def encode_texts(
    encoder: TextEncoder, tokenizer: TextTokenizer, encodings: Sequence[Encoding], *, digest: str, use_cache: bool
) -> NDArray[np.float32]:
    """Return the embeddings of N tokenized texts, see `encode_cached`.

    Returns:
        ``(N, L, d)`` float32.
    """
    if not encodings:
        return np.zeros((0, *encoder.states_shape), dtype=np.float32)
    if len(encodings) == 1 and not use_cache and not is_sharing():  # one text from outside
        return _encode_sorted_by_length(encoder, tokenizer, encodings, lambda _n: None)
    keys = [hashlib.sha256(json.dumps(row, sort_keys=True).encode()).hexdigest()[:32] for row in encodings]
    by_length = sorted(zip(keys, encodings, strict=True), key=lambda pair: len(pair[1]["input_ids"]))
    return encode_cached(
        keys, dict(by_length), partial(_encode_sorted_by_length, encoder, tokenizer),
        digest=digest, use_cache=use_cache, chunk_size=_TEXTS_PER_CHUNK, description=_("Encoding text"),
    )  # fmt: skip


def _encode_sorted_by_length(
    encoder: TextEncoder, tokenizer: TextTokenizer, encodings: Sequence[Encoding], advance: Callable[[int], None]
) -> NDArray[np.float32]:
    """Encode texts sorted by length, in batches of about `_TOKENS_PER_BATCH` padded tokens."""
    device = next(encoder.parameters()).device
    embeddings: list[NDArray[np.float32]] = []
    start = 0
    with torch.inference_mode():
        while start < len(encodings):
            size = max(1, _TOKENS_PER_BATCH // len(encodings[min(start + 63, len(encodings) - 1)]["input_ids"]))
            batch = tokenizer.pad(encodings[start : start + size])
            output = encoder(**to_tensors({k: v for k, v in batch.items() if k in encoder.input_names}, device))
            embeddings.append(output.float().cpu().numpy())
            advance(len(output))
            start += size
    return np.concatenate(embeddings)


def encode_waveforms(
    encoder: SpeechEncoder, waveforms: WaveformInputs, *, digest: str, use_cache: bool
) -> NDArray[np.float32]:
    """Return the embeddings of N clips, see `encode_cached`.

    Args:
        encoder: a frozen one, in eval mode.
        waveforms: of the clips, decoded if their embeddings are not cached.
        digest: of the encoder.
        use_cache: whether to load embeddings from the cache and store them there.

    Returns:
        ``(N, L, d)`` float32; zeros without usable audio.

    Raises:
        AudioError: if a clip can no longer be decoded.
    """
    hashes = waveforms.content_hashes
    rows = [row for row, key in enumerate(hashes) if key]
    keys = [_cache_key(hashes[row], waveforms.max_samples) for row in rows]
    usable = np.zeros((0, *encoder.states_shape), dtype=np.float32)
    if rows:
        usable = encode_cached(
            keys, dict(zip(keys, rows, strict=True)), partial(_encode_clips, encoder, waveforms),
            digest=digest, use_cache=use_cache, chunk_size=_CLIPS_PER_CHUNK, description=_("Encoding audio"),
        )  # fmt: skip
    if len(rows) == len(hashes):
        return usable
    embeddings = np.zeros((len(hashes), *encoder.states_shape), dtype=np.float32)
    embeddings[rows] = usable
    return embeddings


def encode_mels(encoder: StageEncoder, mels: MelInputs, *, digest: str, use_cache: bool) -> NDArray[np.float32]:
    """Return the embeddings of the mel spectrograms of N clips, see `encode_cached`.

    Args:
        encoder: a frozen one.
        mels: of the clips.
        digest: of the encoder.
        use_cache: whether to load embeddings from the cache and store them there.

    Returns:
        ``(N, 1, d)`` float32; zeros without usable audio.
    """
    rows = np.flatnonzero(mels.has_audio).tolist()
    embeddings = np.zeros((len(mels.mels), *encoder.states_shape), dtype=np.float32)
    if rows:
        keys = [mels.content_hash(row) for row in rows]
        by_length = sorted(zip(keys, rows, strict=True), key=lambda pair: (mels.lengths[pair[1]], pair[0]))
        embeddings[rows] = encode_cached(
            keys, dict(by_length), partial(_encode_spectrograms, encoder, mels),
            digest=digest, use_cache=use_cache, chunk_size=_CLIPS_PER_CHUNK, description=_("Encoding audio"),
        )  # fmt: skip
    return embeddings


def _encode_spectrograms(
    encoder: StageEncoder, mels: MelInputs, rows: Sequence[int], advance: Callable[[int], None]
) -> NDArray[np.float32]:
    """Encode rows sorted by their length, those of one length together."""
    device, embeddings = next(encoder.parameters()).device, []
    with torch.inference_mode():
        for _length, group in groupby(rows, key=lambda row: int(mels.lengths[row])):
            equal = list(group)
            for start in range(0, len(equal), _MELS_PER_BATCH):
                members = equal[start : start + _MELS_PER_BATCH]
                output = encoder(**to_tensors(mels.batch(members), device))
                embeddings.append(output.float().cpu().numpy())
                advance(len(members))
    return np.concatenate(embeddings)


def _cache_key(content_hash: str, max_samples: int) -> str:
    return hashlib.sha256(f"{content_hash} {max_samples} float16".encode()).hexdigest()[:32]


def _encode_clips(
    encoder: SpeechEncoder, waveforms: WaveformInputs, rows: Sequence[int], advance: Callable[[int], None]
) -> NDArray[np.float32]:
    """Decode and encode some rows, clips of similar length in one batch."""
    device, extractor = next(encoder.parameters()).device, waveforms.extractor
    decoded = _decode_clips(waveforms, rows)
    order = sorted(range(len(rows)), key=lambda n: int(waveforms.num_samples[rows[n]]))
    embeddings = np.zeros((len(rows), *encoder.states_shape), dtype=np.float32)
    with torch.inference_mode():
        while order:
            shortest = max(int(waveforms.num_samples[rows[order[0]]]), extractor.min_samples)
            size = max(1, _SAMPLES_PER_BATCH // shortest)
            members, order = order[:size], order[size:]
            batch = extractor.pad([decoded[rows[n]] for n in members])
            output = encoder(**to_tensors(batch, device))
            embeddings[members] = output.float().cpu().numpy()
            advance(len(members))
    return embeddings


def _decode_clips(waveforms: WaveformInputs, rows: Sequence[int]) -> Mapping[int, Waveform]:
    """Decode rows, reading each file once."""
    by_file: dict[tuple[Path, AudioContent | None], list[int]] = {}
    for row in rows:
        clip = cast(Clip, waveforms.clips[row])
        by_file.setdefault((clip.path, clip.content), []).append(row)
    decoded: dict[int, Waveform] = {}
    for (path, content), members in by_file.items():
        times = [(clip.start, clip.end) for clip in (cast(Clip, waveforms.clips[row]) for row in members)]
        for row, segment in zip(members, decode_segments(path, times, content), strict=True):
            if isinstance(segment, AudioError):
                raise segment
            decoded[row] = crop_waveform(segment.waveform, waveforms.max_samples).astype(np.float32)
    return decoded
