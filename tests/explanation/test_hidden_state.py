"""Predicting, explaining and training change nothing in networks, other packages or other threads."""

import logging
import os
import subprocess
import sys
import warnings
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields, is_dataclass

import pytest
import torch
from huggingface_hub.utils import are_progress_bars_disabled
from tiny_corpora import spoken_recipe, tiny_recipe
from torch import nn
from transformers.utils.logging import is_progress_bar_enabled

from sentir import Recognizer, predict
from sentir.explanation.detached_copies import detached_copies
from sentir.explanation.model import explain_recognizer
from sentir.explanation.utterance import explain_utterance
from sentir.i18n import use_language
from sentir.training.recognizers import fit_recognizer

pytestmark = pytest.mark.usefixtures("one_store")
KEY = "tiny/dev/dia7/utt3"
ROUNDS = 3
WARNINGS = """
from sentir.logs import logger
logger.info("at work")
logger.warning("a warning")
"""


def state_of(*networks):
    """Return mode, gradients, device and hooks of every part, and the parts themselves."""
    parts = [(name, module) for network in networks for name, module in network.named_modules()]
    weights = [(name, p) for network in networks for name, p in network.named_parameters()]
    hooks = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")
    return (
        [
            (name, id(module), module.training, *(len(getattr(module, kind)) for kind in hooks))
            for name, module in parts
        ],
        [(name, p.requires_grad, p.device, p.grad, p.detach().clone().flatten().tolist()) for name, p in weights],
    )


def leaves_of(value):
    """Yield the texts and numbers in nested results, in order."""
    if isinstance(value, Mapping):
        yield from value
        value = value.values()
    elif is_dataclass(value):
        value = [getattr(value, one.name) for one in fields(value)]
    if isinstance(value, str) or not isinstance(value, Iterable):
        yield value
        return
    for one in value:
        yield from leaves_of(one)


def networks_of(recognizer):
    """Return the network of a recognizer and its encoders, frozen ones included."""
    encoders = (recognizer.encoders.text, recognizer.encoders.audio)
    return [recognizer.model, *(one.encoder for one in encoders if one is not None)]


@pytest.mark.parametrize("setup", ["frozen", "window", "audio", "everything"])
def test_two_threads_predict_and_explain_in_two_languages_as_one_after_the_other(setup, trained, dialogue_of):
    recognizer, corpus = trained(setup)
    dialogue = dialogue_of(corpus, KEY)
    items = ["I am happy.", "", "So fine that we left."]
    if "audio" in recognizer.modalities:
        items += [u.clip.path for u in dialogue if u.clip]

    def work(language):
        with use_language(language):
            explained = explain_utterance(recognizer, dialogue, utterance_id=KEY).to_dict()
            return (
                list(predict(recognizer, items)),
                explained,
                recognizer.predict_utterances(dialogue).probabilities.tolist(),
            )

    languages = ("en", "es")
    with ThreadPoolExecutor(1) as pool:  # not this thread, which may have another number of torch's threads
        expected = dict(zip(languages, pool.map(work, languages), strict=True))
    assert expected["en"][0] != expected["es"][0], "nothing is translated"
    with ThreadPoolExecutor(2) as pool:
        for language, found in zip(languages * ROUNDS, pool.map(work, languages * ROUNDS), strict=True):
            assert [*leaves_of(found)] == pytest.approx([*leaves_of(expected[language])], abs=2e-4)


@pytest.mark.parametrize("failing_call", [1, 4, 9, 30])
@pytest.mark.parametrize("setup", ["frozen", "dialogue", "window", "audio", "everything"])
def test_a_failure_leaves_the_networks_as_they_were(setup, failing_call, trained, dialogue_of, monkeypatch):
    recognizer, corpus = trained(setup)
    networks, forward, calls = networks_of(recognizer), nn.Linear.forward, []

    def failing_forward(module, x):
        calls.append(module)
        if len(calls) == failing_call:
            raise KeyError("in the middle")
        return forward(module, x)

    dropout = next(module for module in recognizer.model.modules() if not list(module.children()))
    weight = next(recognizer.model.parameters())
    recognizer.model.train()
    dropout.eval()
    weight.requires_grad_(not weight.requires_grad)
    before, failures = state_of(*networks), 0
    utterances = [u.blind() for u in dialogue_of(corpus, KEY)]
    try:
        for call in (
            lambda: recognizer.predict_utterances(utterances),
            lambda: explain_utterance(recognizer, utterances, utterance_id=KEY, sanity_check=True),
            lambda: explain_recognizer(recognizer, corpus),
        ):
            calls.clear()
            monkeypatch.setattr(nn.Linear, "forward", failing_forward)
            try:
                call()
            except KeyError:
                failures += 1
            monkeypatch.setattr(nn.Linear, "forward", forward)
            assert state_of(*networks) == before
    finally:
        recognizer.model.eval()
        weight.requires_grad_(not weight.requires_grad)
    assert failures >= (1 if failing_call > 9 else 2)


def test_copies_share_weights_without_gradients_and_parts_in_common():
    encoder = nn.Sequential(nn.Linear(3, 3), nn.Dropout(), nn.BatchNorm1d(3))
    model = nn.ModuleDict({"encoder": encoder, "context": nn.GRU(3, 2, batch_first=True)})
    model["encoder"].register_forward_hook(lambda *_values: None)
    copied, part, nothing = detached_copies(model, encoder, None)
    assert nothing is None and copied["encoder"] is part is not encoder
    assert copied["context"].training and not any(module.training for module in part.modules())
    for own, other in zip(model.state_dict().values(), copied.state_dict().values(), strict=True):
        assert own.data_ptr() == other.data_ptr()
    assert not any(p.requires_grad for p in copied.parameters()) and all(
        p.requires_grad for p in model.parameters()
    )
    x = torch.randn(1, 4, 3)
    assert torch.equal(copied["context"](x)[0], model["context"].eval()(x)[0])
    part.register_forward_hook(lambda *_values: None)
    assert len(encoder._forward_hooks) == 1


def test_training_further_changes_no_other_recognizer(corpus, weights):
    recipe = tiny_recipe(weights, model={"encoder": "finetune"})
    first, _dev = fit_recognizer(recipe, corpus)
    before = state_of(*networks_of(first))
    second, _dev = fit_recognizer(recipe, corpus, init_from=first)
    assert state_of(*networks_of(first)) == before
    assert second.encoders.text.encoder is second.model.encoder is not first.model.encoder
    assert second.encoders.text.processor is first.encoders.text.processor
    trained, own = second.model.encoder.state_dict(), first.model.encoder.state_dict()
    assert not all(torch.equal(own[name], tensor) for name, tensor in trained.items())


def test_recognizers_share_a_frozen_encoder_that_no_training_changes(corpus, weights):
    first, other = (fit_recognizer(tiny_recipe(weights), corpus)[0] for _time in range(2))
    encoder = first.encoders.text.encoder
    before = state_of(encoder)
    further, _dev = fit_recognizer(tiny_recipe(weights), corpus, init_from=first)
    tuned, _dev = fit_recognizer(tiny_recipe(weights, model={"encoder": "finetune"}), corpus)
    assert encoder is other.encoders.text.encoder is further.encoders.text.encoder
    assert tuned.encoders.text.encoder is not encoder and state_of(encoder) == before


def process_state():
    """Return the settings of the process and of other packages that a library must not change."""
    return {
        "environment": dict(os.environ),
        "filters": list(warnings.filters),
        "levels": {name: logging.getLogger(name).level for name in (None, *OTHER_LOGGERS)},
        "handlers": {name: list(logging.getLogger(name).handlers) for name in (None, "sentir", *OTHER_LOGGERS)},
        "bars": (is_progress_bar_enabled(), are_progress_bars_disabled()),
        "torch": (torch.are_deterministic_algorithms_enabled(), torch.get_num_threads(), torch.is_grad_enabled()),
        "cudnn": torch.backends.cudnn.enabled,
    }


OTHER_LOGGERS = ("transformers", "transformers.trainer", "huggingface_hub", "optuna", "kagglehub")


def test_calls_leave_the_process_and_other_packages_as_they_were(spoken, weights, tmp_path, monkeypatch):
    monkeypatch.delenv("CUBLAS_WORKSPACE_CONFIG", raising=False)
    recipe = spoken_recipe(weights, model={"kind": "multimodal"}, train={"deterministic": True, "epochs": 1})
    explain_utterance(fit_recognizer(recipe, spoken)[0], spoken.dev[:5], utterance_id=spoken.dev[0].id)
    levels = {name: logging.getLogger(name).level for name in OTHER_LOGGERS}
    try:
        for name in OTHER_LOGGERS:
            logging.getLogger(name).setLevel(logging.INFO)
        before = process_state()
        recognizer, _dev = fit_recognizer(recipe, spoken)
        recognizer.save_pretrained(tmp_path)
        loaded = Recognizer.from_pretrained(tmp_path)
        predict(loaded, "I am happy.")
        explain_utterance(loaded, spoken.dev[:5], utterance_id=spoken.dev[0].id)
        assert process_state() == before
    finally:
        for name, level in levels.items():
            logging.getLogger(name).setLevel(level)


def test_without_any_configuration_warnings_are_seen_and_nothing_else():
    run = subprocess.run([sys.executable, "-c", WARNINGS], capture_output=True, text=True, check=True)
    assert (run.stdout, run.stderr) == ("", "a warning\n")
