"""One tiny backbone of each architecture, as Sentir loads it and as plain transformers does."""

from dataclasses import dataclass
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


@pytest.fixture(scope="session", params=list(TEXT_BACKBONES))
def tiny(request, tmp_path_factory) -> Tiny:
    weights = make_tiny_text_backbone(request.param, tmp_path_factory.mktemp("weights"))
    encoder, tokenizer, spec = load_text_encoder(request.param, weights=str(weights))
    options = {"normalization": True} if "bertweet" in request.param else {}
    plain = AutoTokenizer.from_pretrained(weights, **options)
    model = AutoModel.from_pretrained(weights).eval()
    return Tiny(request.param, weights, encoder.eval(), tokenizer, spec, plain, model)


@pytest.fixture(scope="session")
def roberta(tmp_path_factory) -> Path:
    """A folder with tiny RoBERTa weights and tokenizer."""
    return make_tiny_text_backbone("roberta-base", tmp_path_factory.mktemp("roberta"))
