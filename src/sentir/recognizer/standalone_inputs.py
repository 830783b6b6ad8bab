"""`model_inputs`: texts and waves → what a model takes, for those who use the three models by themselves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import pad

from sentir.audio.mel import RATE, mel_db, power_frames
from sentir.corpus.invisible_characters import is_blank
from sentir.errors import SentirError
from sentir.i18n import _
from sentir.models.speech_backbones import load_speech_extractor
from sentir.models.text_encoder import load_text_tokenizer
from sentir.preprocessing.mel import SECOND, MelLevels, Mels

Wave = NDArray[np.float32]
_NOT_EVERY = ("token_type_ids",)  # not every tokenizer gives them


def model_inputs(
    model: nn.Module,
    *,
    texts: Sequence[str | None] | None = None,
    waves: Sequence[Any | None] | None = None,
    rate: int = RATE,
    levels: MelLevels | None = None,
    **tensors: Tensor,
) -> dict[str, Tensor]:
    """Return what one of the three models takes, by name, of N texts, N waves or both.

    What it returns of an utterance does not depend on the others but for padding, which changes no logits::

        logits = model.eval()(**model_inputs(model, texts=["What a day!"]))

    Args:
        model: `HybridTransformerClassifier`, `EmotionModel` or `MultimodalClassifier`.
        texts: for a model that reads; ``None`` or ``""`` where there is none.
        waves: for a model that listens, mono ``(samples,)`` floats from -1 to 1 each; ``None`` for none.
        rate: samples a second; others than 16,000 are resampled.
        levels: what mels are normalized by, such as those of a train split; if not given each by its own.
        tensors: the rest of ``model.inputs``: ``features`` ``(N, F)``; ``dialogue``, ``turn`` and ``speaker``
            ``(N,)``, without which each utterance is by itself.

    Raises:
        SentirError: if the model takes something that was not given, a wave is none, or the tokenizer or feature
            extractor of a backbone cannot be loaded.
    """
    wanted: Sequence[str] = model.inputs  # type: ignore[assignment]
    found = dict(tensors)
    if "has_text" in wanted:  # it can do with one of the two
        texts = [None] * len(waves) if texts is None and waves is not None else texts
        waves = [None] * len(texts) if waves is None and texts is not None else waves
    if texts is not None and {"input_ids", "has_text"} & {*wanted}:
        found |= _read(str(model.model_name), texts)
    if waves is not None and "has_sound" in wanted:
        heard = [None if wave is None else _mono(wave, rate) for wave in waves]
        found |= _mels(heard, levels) if "mel" in wanted else _waves(str(model.backbone_name), heard)
    return _complete(wanted, found)


def _complete(wanted: Sequence[str], found: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return what is wanted of what was found.

    Raises:
        SentirError: if something is missing, or of another number of utterances.
    """
    n = max(map(len, found.values()), default=0)
    alone = {"dialogue": torch.arange(n), "turn": torch.zeros(n, dtype=torch.long), "speaker": torch.arange(n)}
    given = {name: tensor for name, tensor in (alone | {**found}).items() if name in wanted}
    if missing := [name for name in wanted if name not in given and name not in _NOT_EVERY]:
        raise SentirError(
            _("The model also takes {names}; give texts, waves or these tensors.", names=", ".join(missing))
        )
    sizes = {name: len(tensor) for name, tensor in given.items()}
    if len({*sizes.values()}) > 1:
        told = ", ".join(f"{name} {n}" for name, n in sizes.items())
        raise SentirError(_("Texts, waves and tensors must be of as many utterances: {sizes}.", sizes=told))
    return given


def _read(backbone: str, texts: Sequence[str | None]) -> dict[str, Tensor]:
    tokenizer = load_text_tokenizer(backbone)
    given = [text or "" for text in texts]
    has_text = torch.tensor([not is_blank(text) for text in given], dtype=torch.bool)
    return tokenizer.pad([tokenizer.encode(text) for text in given]) | {"has_text": has_text}


def _waves(backbone: str, waves: Sequence[Wave | None]) -> dict[str, Tensor]:
    return load_speech_extractor(backbone).pad(waves)


def _mels(waves: Sequence[Wave | None], levels: MelLevels | None) -> dict[str, Tensor]:
    rows = [_mel(wave, levels) for wave in waves]
    longest = max(row["mel"].shape[1] for row in rows)
    padded = [row | {"mel": pad(row["mel"], (0, 0, 0, longest - row["mel"].shape[1]))} for row in rows]
    return {name: torch.cat([row[name] for row in padded]) for name in padded[0]}


def _mel(wave: Wave | None, levels: MelLevels | None) -> dict[str, Tensor]:
    heard = np.zeros(RATE, np.float32) if wave is None else wave
    mel = mel_db(power_frames(heard)).astype(np.float16)
    frames = SECOND * max(1, -(-(len(mel) - 1) // SECOND))
    own = levels or MelLevels.fit([mel])
    return Mels(("",), (None if wave is None else mel,), np.array([frames]), own).batch([0])


def _mono(wave: Any, rate: int) -> Wave:
    """Return a wave at 16 kHz.

    Raises:
        SentirError: if it is not one row of finite floats.
    """
    import soxr

    found = np.asarray(wave)
    if found.ndim != 1 or not len(found) or found.dtype.kind != "f" or not np.isfinite(found).all():
        raise SentirError(
            _("A wave must be one row of finite floats from -1 to 1; this one is {kind} of shape {shape}.",
              kind=found.dtype, shape=found.shape)
        )  # fmt: skip
    plain = found.astype(np.float32)
    return plain if rate == RATE else soxr.resample(plain, rate, RATE, quality="HQ")
