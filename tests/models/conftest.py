"""One tiny backbone of each architecture, as Sentir loads it and as plain transformers does."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModel, AutoTokenizer

from sentir.models.device import to_tensors
from sentir.models.text_backbones import TEXT_BACKBONES, TextBackbone
from sentir.models.text_encoder import TextEncoder, load_text_encoder
from sentir.models.tokenization import TextTokenizer
from sentir.testing import make_tiny_text_backbone

torch.set_num_threads(1)


@dataclass(frozen=True)
class Tiny:
    name: str
    weights: Path
    encoder: TextEncoder
    tokenizer: TextTokenizer
    spec: TextBackbone
    plain_tokenizer: Any
    plain_model: Any

    def pad(self, rows):
        return to_tensors(self.tokenizer.pad(rows))

    def vectors(self, rows):
        """Encode a batch of tokenized utterances as training does."""
        with torch.no_grad():
            batch = self.pad(rows)
            return self.encoder(**{key: value for key, value in batch.items() if key in self.encoder.input_names})


@pytest.fixture(scope="session")
def tiny_weights(tmp_path_factory) -> Callable[[str], Path]:
    """Return the folder of the tiny backbone of a name, which is made when it is first needed."""
    return cache(lambda name: make_tiny_text_backbone(name, tmp_path_factory.mktemp("weights")))


SAME_CLASSES = ("roberta-large", "mmbert-base")  # as others
NEWER = (
    "deberta-v3-base",
    "modernbert-base",
    "mmbert-small",
    "eurobert-210m",
    "qwen3-embedding-0.6b",
    "robertuito",
)
OLDER = [name for name in TEXT_BACKBONES if name not in (*SAME_CLASSES, *NEWER)]


@pytest.fixture(scope="session", params=[*OLDER, *(pytest.param(name, marks=pytest.mark.slow) for name in NEWER)])
def tiny(request, tiny_weights) -> Tiny:
    """One of each architecture; `newer` has the contract of those that are slow here in the default suite."""
    return load_tiny(request.param, tiny_weights(request.param))


@pytest.fixture(scope="session", params=NEWER)
def newer(request, tiny_weights) -> Tiny:
    return load_tiny(request.param, tiny_weights(request.param))


def load_tiny(name, weights) -> Tiny:
    encoder, tokenizer, spec = load_text_encoder(name, weights=str(weights))
    options = {"normalization": True} if "bertweet" in name else {}
    plain = AutoTokenizer.from_pretrained(weights, **options)
    model = AutoModel.from_pretrained(weights).eval()
    return Tiny(name, weights, encoder.eval(), tokenizer, spec, plain, model)


@pytest.fixture(scope="session")
def roberta(tmp_path_factory) -> Path:
    """A folder with tiny RoBERTa weights and tokenizer."""
    return make_tiny_text_backbone("roberta-base", tmp_path_factory.mktemp("roberta"))
