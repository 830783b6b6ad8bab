"""The contract test of text backbones."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from sentir.models.device import to_tensors
from sentir.models.text_encoder import TextEncoder, load_text_encoder, save_text_encoder
from sentir.models.tokenization import TextTokenizer
from sentir.testing.tiny_text import SENTENCES

_TOLERANCE = 1e-5


def check_text_backbone(name: str, weights: Path) -> None:
    """Check the guarantees of every text backbone.

    It returns one finite vector per utterance and layer; they do not depend on the batch; inputs respect its
    maximum length; among other turns an utterance keeps all its tokens, and only they are pooled; gradients reach
    every parameter that the output depends on; after saving and loading, it returns the same tokens and vectors.

    Args:
        name: a registered backbone, a hub id or a folder.
        weights: folder with its weights and tokenizer, such as `make_tiny_text_backbone` writes.

    Raises:
        AssertionError: naming the guarantee that does not hold.
    """
    encoder, tokenizer, _spec = load_text_encoder(name, weights=str(weights))
    encoder.eval()
    _check_vectors(encoder, tokenizer)
    _check_lengths(encoder, tokenizer)
    _check_context(tokenizer)
    _check_gradients(encoder, tokenizer)
    _check_saving(name, encoder, tokenizer)


def _encode(encoder: TextEncoder, tokenizer: TextTokenizer, texts: Sequence[str]) -> Tensor:
    batch = to_tensors(tokenizer.pad([tokenizer.encode(text) for text in texts]))
    return encoder(**{key: value for key, value in batch.items() if key in encoder.input_names})


@torch.no_grad()
def _check_vectors(encoder: TextEncoder, tokenizer: TextTokenizer) -> None:
    texts = ["", *SENTENCES]
    together = _encode(encoder, tokenizer, texts)
    shape = (len(texts), *encoder.states_shape)
    assert together.shape == shape, f"the vectors have shape {tuple(together.shape)}, not {shape}"
    assert together.isfinite().all(), "a vector is not finite"
    alone = torch.cat([_encode(encoder, tokenizer, [text]) for text in texts])
    differences = (together - alone).abs().amax(dim=(1, 2))
    worst = texts[int(differences.argmax())]
    assert differences.max() <= _TOLERANCE, f"padding changes the vectors of {worst!r} by {differences.max():.1e}"


@torch.no_grad()
def _check_lengths(encoder: TextEncoder, tokenizer: TextTokenizer) -> None:
    long = " ".join(SENTENCES * 40)
    for row in (tokenizer.encode(long), tokenizer.encode("Hi.", [long]), tokenizer.encode(long, [long], [long])):
        length = len(row["input_ids"])
        assert length <= tokenizer.max_length, f"an input has {length} tokens, more than {tokenizer.max_length}"
        encoder(
            **{
                key: value
                for key, value in to_tensors(tokenizer.pad([row])).items()
                if key in encoder.input_names
            }
        )


def _check_context(tokenizer: TextTokenizer) -> None:
    long = " ".join(SENTENCES * 40)
    for text in SENTENCES:
        (own,) = tokenizer.tokenizer.tokenize([tokenizer.normalize(text)])
        row = tokenizer.encode(text, [long], [long])
        pooled = [token for token, is_own in zip(row["input_ids"], row["pool_mask"], strict=True) if is_own]
        assert pooled == own, f"among other turns, the pooled tokens of {text!r} are not its own"


def _check_gradients(encoder: TextEncoder, tokenizer: TextTokenizer) -> None:
    encoder.zero_grad()
    before = _encode(encoder, tokenizer, SENTENCES)
    assert before.requires_grad, "no gradient flows through the encoder"
    before.square().sum().backward()
    for name, parameter in encoder.named_parameters():
        if parameter.grad is not None:
            assert parameter.grad.isfinite().all(), f"the gradient of {name} is not finite"
            continue
        original = parameter.detach().clone()
        with torch.no_grad():
            parameter.add_(1.0)
            changed = not torch.equal(_encode(encoder, tokenizer, SENTENCES), before)
            parameter.copy_(original)
        assert not changed, f"the output depends on {name}, which no gradient reaches"
    encoder.zero_grad()


@torch.no_grad()
def _check_saving(name: str, encoder: TextEncoder, tokenizer: TextTokenizer) -> None:
    with tempfile.TemporaryDirectory() as folder:
        save_text_encoder(encoder, tokenizer, Path(folder))
        loaded, loaded_tokenizer, _spec = load_text_encoder(name, weights=folder)
        loaded.eval()
        for text in SENTENCES:
            same_tokens = loaded_tokenizer.encode(text) == tokenizer.encode(text)
            assert same_tokens, f"saving changes the tokens of {text!r}"
        equal = torch.equal(_encode(loaded, loaded_tokenizer, SENTENCES), _encode(encoder, tokenizer, SENTENCES))
        assert equal, "saving changes the vectors"
