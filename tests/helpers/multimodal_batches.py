"""Batches of a `MultimodalClassifier`."""

import torch
from tiny_corpora import TINY_NETWORK

from sentir.models.multimodal import MultimodalClassifier

HAS_TEXT = torch.tensor([True, True, True, False, False, True])


HAS_AUDIO = torch.tensor([True, True, False, True, False, True])


MEL_LENGTHS = torch.tensor([100, 200, 100, 100, 100, 100])


N = len(MEL_LENGTHS)


SOURCES = ("text", "audio", "")


def built(**changes):
    torch.manual_seed(0)
    settings = {
        "text_states_shape": (2, 8),
        "pretrained": False,
        "hidden_size": 16,
        "dropout": 0.0,
        "feature_modalities": SOURCES,
    }
    return MultimodalClassifier("none", TINY_NETWORK, len(SOURCES), 3, **settings | changes)


def batch(seed=0):
    draw = torch.Generator().manual_seed(seed)
    mel = torch.randn(N, 200, 64, generator=draw)
    for row, length in zip(mel, MEL_LENGTHS, strict=True):
        row[length:] = 0
    return {
        "mel": mel,
        "mel_lengths": MEL_LENGTHS,
        "has_audio": HAS_AUDIO,
        "has_text": HAS_TEXT,
        "text_states": torch.randn(N, 2, 8, generator=draw),
        "features": torch.randn(N, len(SOURCES), generator=draw),
        "dialogue": torch.tensor([0, 0, 0, 1, 1, 2]),
        "turn": torch.tensor([0, 1, 2, 0, 1, 0]),
    }


def logits(model, inputs, *, seed=0):
    torch.manual_seed(seed)  # what modality dropout draws from
    with torch.no_grad():
        return model(**inputs)
