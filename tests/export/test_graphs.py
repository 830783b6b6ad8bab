"""Exported graphs predict what the network predicts, whatever the batch."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from export_cases import CASES, Built, Case, build, export, torch_outputs
from torch.nn.utils.parametrize import is_parametrized

from sentir.export.equal_lengths import EqualLengthSpeech
from sentir.runtime.onnx_backend import OnnxBackend

LIMIT = 1e-5
TEXT = Case(text="minilm", context="dialogue", speakers=True)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("tiny")


@pytest.fixture(scope="module")
def exported(folder) -> tuple[Built, OnnxBackend]:
    """A text model with every part: features, a frozen encoder, context and its speakers."""
    built = build(TEXT, folder)
    logits, config = torch_outputs(built)[0], built.frozen["text_encoder"].transformer.config
    before = config._attn_implementation
    backend = export(built)
    np.testing.assert_array_equal(torch_outputs(built)[0], logits, "exporting leaves the network as it was")
    assert config._attn_implementation == before
    return built, backend


def test_a_speech_encoder_can_be_used_after_it_was_prepared_for_export(folder):
    """Its weight norm is replaced in a copy, whose class is that of the original."""
    built = build(Case(audio="wav2vec2"), folder)
    logits, _vectors = torch_outputs(built)
    prepared = EqualLengthSpeech(built.frozen["audio_encoder"])
    assert not any(map(is_parametrized, prepared.modules()))
    np.testing.assert_array_equal(torch_outputs(built)[0], logits)


def take(batch: Mapping, rows) -> dict:
    return {name: array[rows] for name, array in batch.items()}


def assert_equal_outputs(built, backend):
    logits, vectors = torch_outputs(built)
    np.testing.assert_allclose(backend.logits(built.batch), logits, atol=LIMIT)
    np.testing.assert_allclose(backend.vectors(built.batch), vectors, atol=LIMIT)


def test_a_text_model_agrees_with_torch(exported):
    assert_equal_outputs(*exported)


def test_the_order_of_rows_and_other_dialogues_change_nothing(exported):
    built, backend = exported
    logits, order = backend.logits(built.batch), np.random.default_rng(1).permutation(9)
    np.testing.assert_allclose(backend.logits(take(built.batch, order)), logits[order], atol=1e-6)
    rows = np.flatnonzero(built.batch["dialogue"] == 2)
    np.testing.assert_allclose(backend.logits(take(built.batch, rows)), logits[rows], atol=1e-6)


def test_another_turn_of_the_dialogue_matters(exported):
    built, backend = exported
    rows = np.flatnonzero((built.batch["dialogue"] == 2) & (built.batch["turn"] < 3))
    assert np.abs(backend.logits(take(built.batch, rows)) - backend.logits(built.batch)[rows]).max() > 1e-4


def test_the_speaker_matters(exported):
    built, backend = exported
    alone = built.batch | {"speaker": np.arange(9)}
    assert np.abs(backend.logits(alone) - backend.logits(built.batch)).max() > 1e-4


def test_padding_matters_not(exported):
    built, backend = exported
    tokens = ("input_ids", "attention_mask", "token_type_ids", "pool_mask")
    padded = {name: np.pad(built.batch[name], ((0, 0), (0, 6))) for name in tokens if name in built.batch}
    np.testing.assert_array_equal(backend.logits(built.batch | padded), backend.logits(built.batch))


def test_eight_threads_predict_what_one_does(exported):
    built, backend = exported
    expected = backend.logits(built.batch)
    with ThreadPoolExecutor(8) as pool:
        for logits in pool.map(lambda _n: backend.logits(built.batch), range(32)):
            np.testing.assert_array_equal(logits, expected)


def test_it_names_the_arrays_that_it_takes(exported):
    built, backend = exported
    assert set(backend.input_names) <= set(built.batch)
    needed = {name: array for name, array in built.batch.items() if name in backend.input_names}
    np.testing.assert_array_equal(backend.logits(needed), backend.logits(built.batch))


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES, ids=str)
def test_every_kind_of_network_agrees_with_torch(case, folder):
    built = build(case, folder)
    backend = export(built)
    assert_equal_outputs(built, backend)  # torch after the export
