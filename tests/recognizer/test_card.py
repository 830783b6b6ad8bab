"""Model cards: facts of the training in both languages, and valid metadata for the hub."""

import math

import pytest
from huggingface_hub import ModelCard, metadata_load
from huggingface_hub.repocard_data import model_index_to_eval_results
from tiny_corpora import tiny_corpus, tiny_recipe

from sentir.corpus.label_spaces import RegressionSpace
from sentir.evaluation.results import LabelScore, ModelScores, Score
from sentir.i18n import use_language
from sentir.models.weights import WeightsSource
from sentir.recognizer.card import (
    limitations,
    make_model_card,
    save_model_cards,
    summarize_data,
)
from sentir.recognizer.card_metadata import front_matter, license_remark
from sentir.recognizer.card_scores import load_scores


def row(split, f1=0.5, support=60):
    labels = tuple(
        LabelScore(name, support, {"precision": 0.4, "recall": 0.6, "f1": f1 - 0.1 * k}, (f1 - 0.3, f1 + 0.1))
        for k, name in enumerate(("joy", "neutral", "sadness"))
    )
    metrics = {"weighted_f1": Score(0.612, 0.59, 0.633, 0.01), "accuracy": Score(0.7)}
    return ModelScores(
        "m", "selected", "tiny", "emotion", split, 180, 3, metrics, labels, num_clusters=40
    ).to_row()


@pytest.fixture
def facts():
    return {
        "corpus": "tiny",
        "synthetic": False,
        "fingerprint": "c0ffee",
        "best_epoch": 2.0,
        "history": [{"epoch": 1.0}, {"epoch": 2.0}, {"epoch": 3.0}],
        "versions": {"sentir": "0.1.0"},
        "missing_modalities": {"train": {"text": 0, "audio": 3}, "dev": {}},
        "data": summarize_data(tiny_corpus(), "emotion"),
        "scores": [row("dev"), row("test", 0.55)],
        "slices": [
            {
                "split": "test",
                "definition": {"kind": "speaker", "name": "unseen", "bounds": None},
                "n": 31,
                "metric": "weighted_f1",
                "score": {"value": 0.5, "low": 0.4, "high": 0.6, "sd": None},
            }
        ],
    }


def card(facts, **recipe):
    return make_model_card(tiny_recipe("w", **recipe), tiny_corpus().label_space("emotion"), facts).to_markdown()


def metadata(facts, recipe=None, modalities=("text",), space=None):
    """The metadata as the hub's client parses it."""
    yaml = front_matter(
        recipe or tiny_recipe("w"), space or tiny_corpus().label_space("emotion"), facts, modalities
    )
    return ModelCard(f"---\n{yaml}\n---\n").data


def test_a_card_shows_the_facts_of_the_training(facts):
    text = card(facts)
    assert "one label per utterance from its text: joy, neutral, sadness" in text
    assert "| utterances | 30 | 15 |" in text and "c0ffee" in text
    assert "2 of 3, selected on dev" in text and "| weighted F1 | 0.612 \\[0.590, 0.633\\] |" in text
    assert "| joy | 60 | 0.400 | 0.600 | 0.550 \\[0.250, 0.650\\] |" in text
    assert "| speaker: not in train | 31 | 0.500 \\[0.400, 0.600\\] |" in text
    assert text.index("Scores on test") < text.index("Scores on dev")
    assert "Lowest F1: sadness, 0.350 on test" in text and "3 utterances of train had no usable audio" in text


def test_a_card_names_legal_limits(facts):
    text = card(facts)
    assert "Art. 5(1)(f)" in text and "Art. 50(3)" in text and "at work and in education" in text


def test_no_test_scores_synthetic_data_and_rare_labels_are_limitations(facts):
    recipe = tiny_recipe("w")
    before = limitations(recipe, load_scores(facts), facts)
    assert not any("Not evaluated on test" in one or "Synthetic" in one for one in before)
    facts |= {"scores": [row("dev", support=4)], "synthetic": True}
    found = limitations(recipe, load_scores(facts), facts)
    assert any("Not evaluated on test" in one for one in found) and found[0].startswith("Synthetic")
    assert any("Fewer than 50 utterances of dev have the label joy, neutral, sadness" in one for one in found)
    assert "synthetic-data" in metadata(facts, recipe).to_yaml()


def test_random_weights_are_a_limitation(facts):
    assert "Randomly initialized text encoder." in card(facts, model={"pretrained": False})


def test_the_license_is_shown_if_it_is_known(facts):
    assert "License of the corpus: GPL-3.0." in card(facts, data={"reader": "meld"})
    assert "License of the corpus: unknown." in card(facts)


def test_the_front_matter_is_valid_metadata_for_the_hub(facts, tmp_path):
    facts |= {"language": "es", "test_openings": 3}
    save_model_cards(tmp_path, tiny_recipe("w"), tiny_corpus().label_space("emotion"), facts)
    card, tree = ModelCard.load(tmp_path / "README.md"), metadata_load(tmp_path / "README.md")
    assert card.data.to_dict() == tree and card.data.library_name == "sentir"
    assert (card.data.pipeline_tag, card.data.language, card.data.license) == (
        "text-classification",
        "es",
        "unknown",
    )
    assert card.data.base_model is None, "weights of a folder have no hub id"
    name, results = model_index_to_eval_results(tree["model-index"])
    assert name == "tiny" and results == card.data.eval_results
    assert {one.dataset_split for one in results} == {"dev", "test"}
    interval = {"interval": [0.59, 0.633], "confidence_level": 0.95}
    found = {(one.dataset_split, one.metric_type): (one.metric_value, one.metric_args) for one in results}
    assert found["dev", "weighted_f1"] == (0.612, interval)
    assert found["test", "weighted_f1"] == (0.612, interval | {"test_openings": 3})
    assert found["test", "accuracy"] == (0.7, {"test_openings": 3})


def test_scores_that_are_not_numbers_are_left_out_of_the_metadata(facts):
    facts["scores"][0]["metrics"]["accuracy"]["value"] = math.nan
    found = {(one.dataset_split, one.metric_type) for one in metadata(facts).eval_results}
    assert found == {("dev", "weighted_f1"), ("test", "weighted_f1"), ("test", "accuracy")}


def test_base_models_are_the_hub_ids_of_the_weights(facts):
    minilm = "sentence-transformers/all-MiniLM-L6-v2"
    named = tiny_recipe(None, model={"weights": None, "backbone": "minilm"})

    def base_model(*sources):
        weights = {str(n): WeightsSource(*source).to_dict() for n, source in enumerate(sources)}
        return metadata(facts | {"weights": weights}, named).base_model

    assert base_model(("/site/gt/model", "package", "gt")) == minilm
    assert base_model((minilm, "cache"), ("timm/vgg16", "hub"), ("/x", "folder")) == [minilm, "timm/vgg16"]
    assert base_model(("/x", "folder"), (minilm, "random")) is None
    assert metadata(facts, named).base_model is None, "a baseline has no pretrained weights"


@pytest.mark.parametrize(
    ("modalities", "tag", "is_multimodal"),
    [
        ({"text"}, "text-classification", False),
        ({"audio"}, "audio-classification", False),
        ({"text", "audio"}, "audio-classification", True),
    ],
)
def test_the_pipeline_tag_follows_from_the_modalities(facts, modalities, tag, is_multimodal):
    data = metadata(facts, modalities=modalities)
    assert data.pipeline_tag == tag and ("multimodal" in data.tags) == is_multimodal
    assert metadata(facts, space=RegressionSpace("valence", "valence", (-1.0, 1.0))).pipeline_tag is None


def test_corpora_that_are_known_have_license_language_and_data_set(facts):
    meld = metadata(facts, tiny_recipe("w", data={"reader": "meld"}))
    assert (meld.license, meld.language, meld.datasets) == ("gpl-3.0", "en", ["declare-lab/MELD"])
    assert {one.dataset_type for one in meld.eval_results} == {"declare-lab/MELD"}
    mosei = metadata(facts, tiny_recipe("w", data={"reader": "mosei"}))
    assert (mosei.license, mosei.license_name, mosei.datasets) == ("other", "research-use", None)
    both = facts | {"previous_trainings": [{"corpus": "ravdess", "synthetic": False}]}
    assert metadata(both, tiny_recipe("w", data={"reader": "meld"})).license_name == "cc-by-nc-sa-4.0-and-gpl-3.0"
    synthetic = metadata(facts | {"synthetic": True}, tiny_recipe("w", data={"reader": "meld"}))
    assert (synthetic.license, synthetic.datasets) == ("mit", None) and "synthetic-data" in synthetic.tags


def test_licenses_that_limit_sharing_are_named(facts):
    meld = tiny_recipe("w", data={"reader": "meld"})
    assert "may limit sharing the model: tiny (GPL-3.0)." in license_remark(meld, facts)
    assert "does not know: tiny." in license_remark(tiny_recipe("w"), facts)
    assert license_remark(meld, facts | {"synthetic": True}) == ""
    earlier = [
        {"corpus": "ravdess", "synthetic": False},
        {"corpus": "own"},
        {"corpus": "demo", "synthetic": True},
    ]
    remark = license_remark(meld, facts | {"synthetic": True, "previous_trainings": earlier})
    assert "ravdess (CC BY-NC-SA 4.0)" in remark and "does not know: own." in remark and "demo" not in remark
    with use_language("es"):
        assert license_remark(tiny_recipe("w", data={"reader": "mosei"}), facts)


def test_a_card_says_how_often_test_was_evaluated_on(facts):
    assert "Evaluations on this test split" not in card(facts)
    text = card(facts | {"test_openings": 3})
    assert text.count("Evaluations on this test split when the model was saved: 3.") == 1


def test_cards_are_saved_in_english_and_spanish_in_any_language(facts, tmp_path):
    with use_language("es"):
        save_model_cards(tmp_path, tiny_recipe("w"), tiny_corpus().label_space("emotion"), facts)
    english, spanish = ((tmp_path / name).read_text(encoding="utf-8") for name in ("README.md", "README.es.md"))
    assert english.startswith("---\n") and "# tiny · emotion · tiny" in english
    assert spanish.startswith("# tiny")


def test_a_card_without_scores_or_counts_is_complete(facts):
    del facts["scores"], facts["data"], facts["missing_modalities"]
    text = card(facts)
    assert "Not evaluated on test" in text and "Scores on" not in text.replace("scores on", "")
    assert "No scores were saved with this model." in text and "sizes of its data were not recorded" in text
