"""A tiny corpus and the tiny encoder that its vocabulary fits."""

import pytest
import torch

from sentir.testing import tiny_backbone
from tiny_corpora import tiny_corpus

torch.set_num_threads(1)


@pytest.fixture(scope="session")
def corpus():
    return tiny_corpus()


@pytest.fixture(scope="session")
def weights(corpus, tmp_path_factory):
    return tiny_backbone("roberta-base", tmp_path_factory.mktemp("weights"), [u.text for u in corpus])
