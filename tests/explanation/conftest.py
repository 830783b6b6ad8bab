"""Tiny recognizers to explain, each trained once per session."""

import pytest
from tiny_corpora import spoken_recipe, stacking_on_text, tiny_recipe

from sentir.study.stacking import train_recognizer

LONGER = {"epochs": 12, "patience": 12, "encoder_lr": 0.01}
TEXT_SETUPS = {
    "frozen": {"train": LONGER},
    "dialogue": {"model": {"context": "dialogue", "features": ["lexical", "dialogue"]}},
    "window": {"model": {"context": "window", "encoder": "finetune"}, "train": LONGER},
    "wide window": {
        "model": {"context": "window", "window": 2, "window_right": 1, "window_separators": True},
        "train": {"epochs": 1},
    },
    "several labels": {"model": {"encoder": "finetune"}, "data": {"task": "feelings"}},
}
AUDIO_SETUPS = {
    "audio": {"model": {"features": ["thesis", "dialogue"]}, "train": LONGER},
    "everything": {
        "model": {
            "kind": "multimodal",
            "features": ["stacked", "thesis", "lexical"],
            "context": "dialogue",
            "stacked": stacking_on_text("WEIGHTS", folds=2)["model"]["stacked"],
        },
    },
}
SETUPS = (*TEXT_SETUPS, *AUDIO_SETUPS)


@pytest.fixture(scope="session")
def trained(corpus, spoken, weights, sounds, tmp_path_factory):
    """Setup → recognizer and its corpus."""
    known, home = {}, tmp_path_factory.mktemp("home")

    def get(setup):
        if setup not in known:
            with pytest.MonkeyPatch.context() as patch:
                patch.setenv("SENTIR_CACHE_DIR", str(home))
                patch.setenv("SENTIR_AUDIO_DIR", str(sounds))
                if setup in TEXT_SETUPS:
                    known[setup] = train_recognizer(tiny_recipe(weights, **TEXT_SETUPS[setup]), corpus)[0], corpus
                else:
                    changes = AUDIO_SETUPS[setup]
                    if "stacked" in changes["model"]:
                        changes["model"]["stacked"]["model"]["weights"] = str(weights)
                    known[setup] = train_recognizer(spoken_recipe(weights, **changes), spoken)[0], spoken
        return known[setup]

    return get


@pytest.fixture(params=SETUPS)
def any_trained(request, trained, one_store):
    """Each recognizer with its corpus."""
    return trained(request.param)


@pytest.fixture
def dialogue_of():
    """(corpus, id) → its dialogue."""

    def get(corpus, key):
        return corpus.dialogues[corpus.by_id[key].dialogue].utterances

    return get
