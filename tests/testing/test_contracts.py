"""Every registered reader, fusion, feature set and metric passes its contract test; faulty ones do not."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from tiny_corpora import spoken_corpus, tiny_corpus, write_table
from torch import nn

from sentir.corpus.corpus import Corpus
from sentir.evaluation.metrics import METRICS, METRICS_BY_KIND, count_metrics, register_metric
from sentir.evaluation.metrics.label_counts import recall
from sentir.evaluation.metrics.metric import Metric
from sentir.features import FEATURE_SETS, FeatureSet
from sentir.models.fusion import FUSIONS, ConcatFusion, GatedFusion
from sentir.readers import READERS
from sentir.testing import check_feature_set, check_fusion, check_metric, check_reader
from sentir.testing.metric import SPACES

AUDIO_SETS = ("thesis", "functionals")


@pytest.mark.parametrize("name", FUSIONS)
def test_every_fusion_passes(name):
    check_fusion(name)


@pytest.mark.parametrize("name", sorted({name for space in SPACES for name in count_metrics(space)}))
def test_every_metric_passes(name):
    check_metric(name)


@pytest.mark.parametrize("name", [name for name in FEATURE_SETS if name not in AUDIO_SETS])
def test_every_feature_set_passes(name):
    check_feature_set(name)


@pytest.mark.parametrize("name", AUDIO_SETS)
def test_every_feature_set_of_audio_passes(name, tmp_path):
    check_feature_set(name, spoken_corpus(tmp_path).train[:10])


@pytest.mark.parametrize("name", [name for name in READERS if name.startswith("demo-")])
def test_every_demo_reader_passes(name):
    assert check_reader(name).synthetic


def test_the_readers_of_files_pass(tmp_path):
    from sentir.demo.corpora import meld_folder, mosei_folder

    assert check_reader("meld", meld_folder(audio=False)).name == "meld"
    assert check_reader("mosei", mosei_folder(audio=False)).name == "mosei"
    corpus = tiny_corpus()
    table = write_table(corpus, tmp_path / "t.csv", {u.id: "joy" for u in corpus})
    settings = {"label": "label", "text": "text", "split": "split", "dialogue": "dialogue", "id": "id"}
    assert len(check_reader("table", table, table=settings)) == len(corpus)


class Constant(nn.Module):
    def __init__(self, num_modalities, width):
        super().__init__()
        self.width_out, self.bias = width, nn.Parameter(torch.zeros(width))

    def forward(self, vectors, present):
        return self.bias.expand(len(vectors), -1) + 0 * vectors.sum()


class Leaky(ConcatFusion):
    def forward(self, vectors, present):
        return vectors.flatten(1)


class Mixing(GatedFusion):
    def forward(self, vectors, present):
        return super().forward(vectors, present) + vectors.mean(0).mean(0) * present.any()


class Narrow(ConcatFusion):
    def __init__(self, num_modalities, width):
        super().__init__(num_modalities, width)
        self.width_out = width


class Unused(ConcatFusion):
    def __init__(self, num_modalities, width):
        super().__init__(num_modalities, width)
        self.layer = nn.Linear(2, 2)


class Nameless(ConcatFusion):
    level = "tokens"


@pytest.mark.parametrize(
    ("fusion", "why"),
    [
        (Constant, "a modality that is present changes nothing"),
        (Leaky, "the vector of a missing modality changes the result"),
        (Mixing, "the batch changes a vector"),
        (Narrow, r"have shape \(5, 16\), not \(5, 8\)"),
        (Unused, "no gradient reaches layer.weight"),
        (Nameless, "its level is 'tokens'"),
    ],
)
def test_a_faulty_fusion_is_named(fusion, why, monkeypatch):
    monkeypatch.setitem(FUSIONS._entries, "faulty", fusion)
    with pytest.raises(AssertionError, match=why):
        check_fusion("faulty")


def words(rows):
    return {"n": np.array([len((u.text or "").split()) for u in rows], dtype=float)}


@pytest.mark.parametrize(
    ("compute", "modality", "why"),
    [
        (lambda rows: {}, None, "it has no columns"),
        (lambda rows: {"n": np.full(len(rows), np.nan)}, None, "no number is finite"),
        (lambda rows: {"n": np.full(len(rows), np.inf)}, None, "infinite value; use NaN"),
        (lambda rows: {"n": np.arange(3.0)}, None, r"has shape \(3,\), not \(10,\)"),
        (lambda rows: {"n": np.array([u.text for u in rows])}, None, "does not hold numbers"),
        (
            lambda rows: {"n": words(rows)["n"] - words(rows)["n"].mean()},
            None,
            "other dialogues change the column",
        ),
        (
            lambda rows: {"n": words(rows)["n"], f"n{len(rows)}": words(rows)["n"]},
            None,
            "depend on the utt",
        ),
        (words, "audio", "it is of audio, but text changes the column n"),
        (words, "words", "its modality is 'words'"),
        (lambda rows: words([rows.pop(), *rows]), None, "it changes the utterances"),
    ],
)
def test_a_faulty_feature_set_is_named(compute, modality, why, monkeypatch):
    monkeypatch.setitem(FEATURE_SETS._entries, "faulty", FeatureSet(compute, modality))
    with pytest.raises(AssertionError, match=why):
        check_feature_set("faulty")


@pytest.mark.parametrize(
    ("function", "higher_is_better", "why"),
    [
        (lambda counts: recall(counts), True, r"shape \(8, 4\), not \(8,\)"),
        (lambda counts: 2 * recall(counts).mean(-1), True, "not between 0 and 1"),
        (lambda counts: recall(counts).mean(-1), False, "do not score better"),
        (lambda counts: recall(counts).mean(-1), None, "neither direction is better"),
        (lambda counts: recall(counts).mean(-1) / counts[..., 0].sum(), True, "depends on the other rows"),
        (lambda counts: np.full(counts.shape[:-2], np.nan), True, "is not finite"),
    ],
)
def test_a_faulty_metric_is_named(function, higher_is_better, why):
    register_metric("faulty", Metric(function, higher_is_better, "proportion", "faulty"), kind="single")
    try:
        with pytest.raises(AssertionError, match=why):
            check_metric("faulty")
    finally:
        METRICS._remove("faulty")
        for table in METRICS_BY_KIND["single"].selecting_metrics:
            table.pop("faulty", None)
    assert "faulty" not in count_metrics(SPACES[0])


def faulty(change):
    corpus, n = tiny_corpus(), iter(range(9))
    return lambda root, data: Corpus.build(
        "tiny", [change(u, next(n, 0)) for u in corpus if u.split != "test"], corpus.label_spaces.values()
    )


@pytest.mark.parametrize(
    ("read", "why"),
    [
        (faulty(lambda u, n: replace(u, text=None)), "has neither a text nor a clip"),
        (faulty(lambda u, n: replace(u, labels={})), "no utterance of train has a label"),
        (faulty(lambda u, n: replace(u, turn=0)), "have the same turn"),
        (faulty(lambda u, n: replace(u, text=f"{u.text} {n}")), "a second call gives other utterances"),
        (
            lambda root, data: tiny_corpus(lambda u: replace(u, id=f"{root}/{u.id}")),
            "a copy of the files gives",
        ),
        (lambda root, data: (root / "cache").touch() or tiny_corpus(), "it changes the files"),
    ],
)
def test_a_faulty_reader_is_named(read, why, monkeypatch, tmp_path):
    monkeypatch.setitem(READERS._entries, "faulty", read)
    with pytest.raises(AssertionError, match=why):
        check_reader("faulty", tmp_path)
