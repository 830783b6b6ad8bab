"""`model_inputs`: texts and waves → what a model takes, for those who use the three models by themselves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import pad

from sentir.audio.mel import SAMPLING_RATE, compute_power_frames, power_to_mel_db
from sentir.corpus.invisible_characters import is_blank
from sentir.errors import SentirError
from sentir.i18n import _
from sentir.models.speech_backbones import load_speech_feature_extractor
from sentir.models.text_encoder import load_text_tokenizer
from sentir.preprocessing.mel import FRAMES_PER_SECOND, MelInputs, MelStatistics

Waveform = NDArray[np.float32]
_OPTIONAL_INPUTS = ("token_type_ids",)  # not every tokenizer gives them


def prepare_inputs(
    model: nn.Module,
    *,
    texts: Sequence[str | None] | None = None,
    waveforms: Sequence[Any | None] | None = None,
    sampling_rate: int = SAMPLING_RATE,
    mel_statistics: MelStatistics | None = None,
    **tensors: Tensor,
) -> dict[str, Tensor]:
    """Return what one of the three models takes, by name, of N texts, N waves or both.

    What it returns of an utterance does not depend on the others but for padding, which changes no logits::

        logits = model.eval()(**model_inputs(model, texts=["What a day!"]))

    Args:
        model: `HybridTransformerClassifier`, `EmotionModel` or `MultimodalClassifier`.
        texts: for a model that reads; ``None`` or ``""`` where there is none.
        waveforms: for a model that listens, mono ``(samples,)`` floats from -1 to 1 each; ``None`` for none.
        sampling_rate: samples a second; others than 16,000 are resampled.
        mel_statistics: what mels are normalized by, such as those of a train split; if not given each by its own.
        tensors: the rest of ``model.input_names``: ``features`` ``(N, F)``; ``dialogue``, ``turn`` and ``speaker``
            ``(N,)``, without which each utterance is by itself.

    Raises:
        SentirError: if the model takes something that was not given, a wave is none, or the tokenizer or feature
            extractor of a backbone cannot be loaded.
    """
    wanted: Sequence[str] = model.input_names  # type: ignore[assignment]
    found = dict(tensors)
    if "has_text" in wanted:  # it can do with one of the two
        texts = [None] * len(waveforms) if texts is None and waveforms is not None else texts
        waveforms = [None] * len(texts) if waveforms is None and texts is not None else waveforms
    if texts is not None and {"input_ids", "has_text"} & {*wanted}:
        found |= _tokenize(str(model.model_name), texts)
    if waveforms is not None and "has_audio" in wanted:
        heard = [None if wave is None else _resample_mono(wave, sampling_rate) for wave in waveforms]
        found |= (
            _compute_mels(heard, mel_statistics)
            if "mel" in wanted
            else _pad_waveforms(str(model.backbone_name), heard)
        )
    return _select_inputs(wanted, found)


def _select_inputs(names: Sequence[str], inputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return what is wanted of what was found.

    Raises:
        SentirError: if something is missing, or of another number of utterances.
    """
    n = max(map(len, inputs.values()), default=0)
    alone = {"dialogue": torch.arange(n), "turn": torch.zeros(n, dtype=torch.long), "speaker": torch.arange(n)}
    given = {name: tensor for name, tensor in (alone | {**inputs}).items() if name in names}
    if missing := [name for name in names if name not in given and name not in _OPTIONAL_INPUTS]:
        raise SentirError(
            _("The model also takes {names}; give texts, waves or these tensors.", names=", ".join(missing))
        )
    sizes = {name: len(tensor) for name, tensor in given.items()}
    if len({*sizes.values()}) > 1:
        told = ", ".join(f"{name} {n}" for name, n in sizes.items())
        raise SentirError(_("Texts, waves and tensors must be of as many utterances: {sizes}.", sizes=told))
    return given


def _tokenize(backbone: str, texts: Sequence[str | None]) -> dict[str, Tensor]:
    tokenizer = load_text_tokenizer(backbone)
    given = [text or "" for text in texts]
    has_text = torch.tensor([not is_blank(text) for text in given], dtype=torch.bool)
    return tokenizer.pad([tokenizer.encode(text) for text in given]) | {"has_text": has_text}


def _pad_waveforms(backbone: str, waveforms: Sequence[Waveform | None]) -> dict[str, Tensor]:
    return load_speech_feature_extractor(backbone).pad(waveforms)


def _compute_mels(
    waveforms: Sequence[Waveform | None], mel_statistics: MelStatistics | None
) -> dict[str, Tensor]:
    rows = [_compute_mel(wave, mel_statistics) for wave in waveforms]
    longest = max(row["mel"].shape[1] for row in rows)
    padded = [row | {"mel": pad(row["mel"], (0, 0, 0, longest - row["mel"].shape[1]))} for row in rows]
    return {name: torch.cat([row[name] for row in padded]) for name in padded[0]}


def _compute_mel(waveform: Waveform | None, mel_statistics: MelStatistics | None) -> dict[str, Tensor]:
    heard = np.zeros(SAMPLING_RATE, np.float32) if waveform is None else waveform
    mel = power_to_mel_db(compute_power_frames(heard)).astype(np.float16)
    frames = FRAMES_PER_SECOND * max(1, -(-(len(mel) - 1) // FRAMES_PER_SECOND))
    own = mel_statistics or MelStatistics.fit([mel])
    return MelInputs(("",), (None if waveform is None else mel,), np.array([frames]), own).batch([0])


def _resample_mono(waveform: Any, sampling_rate: int) -> Waveform:
    """Return a wave at 16 kHz.

    Raises:
        SentirError: if it is not one row of finite floats.
    """
    import soxr

    found = np.asarray(waveform)
    if found.ndim != 1 or not len(found) or found.dtype.kind != "f" or not np.isfinite(found).all():
        raise SentirError(
            _("A wave must be one row of finite floats from -1 to 1; this one is {kind} of shape {shape}.",
              kind=found.dtype, shape=found.shape)
        )  # fmt: skip
    plain = found.astype(np.float32)
    return (
        plain
        if sampling_rate == SAMPLING_RATE
        else soxr.resample(plain, sampling_rate, SAMPLING_RATE, quality="HQ")
    )
