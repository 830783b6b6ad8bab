"""Recognizers of text, audio, and both with dialogue context, and a recording that speaks to them."""

import numpy as np
import pytest
from audio_files import tone
from tiny_corpora import spoken_recipe, tiny_recipe

from sentir.study.stacking import train_recognizer


@pytest.fixture(scope="session")
def recognizers(spoken, corpus, weights, sounds, tmp_path_factory):
    """Kind → recognizer, each trained once."""
    models, home = {}, tmp_path_factory.mktemp("home")
    both = {"kind": "multimodal", "context": "dialogue", "features": ["thesis"]}
    one_epoch = {"train": {"epochs": 1}}
    recipes = {
        "text": lambda: tiny_recipe(weights, **one_epoch, model={"context": "dialogue"}),
        "audio": lambda: spoken_recipe(weights, **one_epoch),
        "both": lambda: spoken_recipe(weights, **one_epoch, model=both),
    }

    def get(kind):
        if kind not in models:
            with pytest.MonkeyPatch.context() as patch:
                patch.setenv("SENTIR_CACHE_DIR", str(home))
                patch.setenv("SENTIR_AUDIO_DIR", str(sounds))
                models[kind] = train_recognizer(recipes[kind](), corpus if kind == "text" else spoken)[0]
        return models[kind]

    return get


def loud(seconds, hz=300, level=0.3, rate=16_000):
    return level * tone(seconds, hz, rate).astype(np.float32)


@pytest.fixture(scope="session")
def talk():
    """Three sounds in silence: 1 to 2.5 s, 4.2 to 4.8 s and 6 to 11 s, of 12 s at 16 kHz."""
    rng = np.random.default_rng(0)
    waveform = (0.0005 * rng.standard_normal(12 * 16_000)).astype(np.float32)
    for start, seconds, hz in ((1.0, 1.5, 300), (4.2, 0.6, 1800), (6.0, 5.0, 200)):
        at = round(start * 16_000)
        waveform[at : at + round(seconds * 16_000)] += loud(seconds, hz)
    return waveform
