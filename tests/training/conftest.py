"""Fixtures that several tests of training use."""

import json
import shutil

import pytest


@pytest.fixture(scope="module")
def no_dropout(weights, tmp_path_factory):
    """A tiny encoder without dropout, so that how a batch is split changes nothing."""
    folder = shutil.copytree(weights, tmp_path_factory.mktemp("no_dropout") / "encoder")
    config = json.loads((folder / "config.json").read_text())
    config |= {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
    (folder / "config.json").write_text(json.dumps(config))
    return folder
