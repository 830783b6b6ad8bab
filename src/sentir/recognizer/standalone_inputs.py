"""`prepare_inputs`: texts and waveforms → the input tensors of the three models, for use without a recognizer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from sentir.audio.decoding import Waveform
from sentir.audio.mel import SAMPLING_RATE, compute_power_frames, power_to_mel_db
from sentir.corpus.invisible_characters import is_blank
from sentir.errors import SentirError
from sentir.i18n import _
from sentir.models.device import to_tensors
from sentir.models.speech_backbones import load_speech_feature_extractor
from sentir.models.tokenizer_loading import load_text_tokenizer
from sentir.preprocessing.mel import FRAMES_PER_SECOND, MelInputs, MelStatistics

_OPTIONAL_INPUTS = ("token_type_ids",)  # not of every tokenizer


def prepare_inputs(
    model: nn.Module,
    *,
    texts: Sequence[str | None] | None = None,
    waveforms: Sequence[Any | None] | None = None,
    sampling_rate: int = SAMPLING_RATE,
    mel_statistics: MelStatistics | None = None,
    **tensors: Tensor,
) -> dict[str, Tensor]:
    """Return the input tensors of a model, by name, for N texts, N waveforms or both.

    Inputs do not depend on the batch except for padding, which does not change logits::

        logits = model.eval()(**prepare_inputs(model, texts=["What a day!"]))

    Args:
        model: `HybridTransformerClassifier`, `EmotionModel` or `MultimodalClassifier`.
        texts: for a model of text; ``None`` or ``""`` if missing.
        waveforms: for a model of audio, mono ``(samples,)`` floats in -1 to 1 each; ``None`` if missing.
        sampling_rate: in Hz; resampled to 16,000.
        mel_statistics: to normalize mel spectrograms, such as those of a train split; by default each clip's own.
        tensors: the other inputs: ``features`` ``(N, F)``; ``dialogue``, ``turn`` and ``speaker`` ``(N,)``, by
            default each utterance alone.

    Raises:
        SentirError: if an input is missing, there is no utterance, a waveform is invalid, or the tokenizer or
            feature extractor of a backbone cannot be loaded.
    """
    names: Sequence[str] = model.input_names  # type: ignore[assignment]
    inputs = dict(tensors)
    if "has_text" in names:  # one modality is enough
        texts = [None] * len(waveforms) if texts is None and waveforms is not None else texts
        waveforms = [None] * len(texts) if waveforms is None and texts is not None else waveforms
    if any(given is not None and not len(given) for given in (texts, waveforms)):
        raise SentirError(_("There are no texts or waveforms."))
    if texts is not None and {"input_ids", "has_text"} & {*names}:
        inputs |= to_tensors(_tokenize(str(model.model_name), texts))
    if waveforms is not None and "has_audio" in names:
        resampled = [None if one is None else _resample_mono(one, sampling_rate) for one in waveforms]
        inputs |= to_tensors(
            _compute_mels(resampled, mel_statistics)
            if "mel" in names
            else load_speech_feature_extractor(str(model.backbone_name)).pad(resampled)
        )
    return _select_inputs(names, inputs)


def _select_inputs(names: Sequence[str], inputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the inputs with these names, with defaults for an utterance without a dialogue.

    Raises:
        SentirError: if one is missing, or their numbers of utterances differ.
    """
    n = max(map(len, inputs.values()), default=0)
    defaults = {"dialogue": torch.arange(n), "turn": torch.zeros(n, dtype=torch.long), "speaker": torch.arange(n)}
    selected = {name: tensor for name, tensor in (defaults | {**inputs}).items() if name in names}
    if missing := [name for name in names if name not in selected and name not in _OPTIONAL_INPUTS]:
        raise SentirError(
            _("The model also takes {names}; give texts, waveforms or these tensors.", names=", ".join(missing))
        )
    sizes = {name: len(tensor) for name, tensor in selected.items()}
    if len({*sizes.values()}) > 1:
        lengths = ", ".join(f"{name} {n}" for name, n in sizes.items())
        raise SentirError(
            _("Texts, waveforms and tensors must have the same number of utterances: {sizes}.", sizes=lengths)
        )
    return selected


def _tokenize(backbone: str, texts: Sequence[str | None]) -> dict[str, NDArray[Any]]:
    tokenizer = load_text_tokenizer(backbone)
    plain = [text or "" for text in texts]
    has_text = np.array([not is_blank(text) for text in plain], dtype=bool)
    return tokenizer.pad(tokenizer.encode_batch([(text, (), ()) for text in plain])) | {"has_text": has_text}


def _compute_mels(
    waveforms: Sequence[Waveform | None], mel_statistics: MelStatistics | None
) -> dict[str, NDArray[Any]]:
    rows = [_compute_mel(waveform, mel_statistics) for waveform in waveforms]
    longest = max(row["mel"].shape[1] for row in rows)
    padded = [
        row | {"mel": np.pad(row["mel"], ((0, 0), (0, longest - row["mel"].shape[1]), (0, 0)))} for row in rows
    ]
    return {name: np.concatenate([row[name] for row in padded]) for name in padded[0]}


def _compute_mel(waveform: Waveform | None, mel_statistics: MelStatistics | None) -> dict[str, NDArray[Any]]:
    samples = np.zeros(SAMPLING_RATE, np.float32) if waveform is None else waveform
    mel = power_to_mel_db(compute_power_frames(samples)).astype(np.float16)
    length = FRAMES_PER_SECOND * max(1, -(-(len(mel) - 1) // FRAMES_PER_SECOND))
    statistics = mel_statistics or MelStatistics.fit([mel])
    return MelInputs(("",), (None if waveform is None else mel,), np.array([length]), statistics).batch([0])


def _resample_mono(waveform: Any, sampling_rate: int) -> Waveform:
    """Resample a waveform to 16 kHz.

    Raises:
        SentirError: if it is not one row of finite floats.
    """
    import soxr

    array = np.asarray(waveform)
    if array.ndim != 1 or not len(array) or array.dtype.kind != "f" or not np.isfinite(array).all():
        raise SentirError(
            _("A waveform must be one row of finite floats in -1 to 1; this one is {kind} of shape {shape}.",
              kind=array.dtype, shape=array.shape)
        )  # fmt: skip
    samples = array.astype(np.float32)
    if sampling_rate == SAMPLING_RATE:
        return samples
    return soxr.resample(samples, sampling_rate, SAMPLING_RATE, quality="HQ")
