"""Model cards: facts of the training in both languages, and valid metadata for the hub."""

import pytest
import yaml
from tiny_corpora import tiny_corpus, tiny_recipe

from sentir.evaluation.results import LabelScore, ModelScores, Score
from sentir.i18n import use_language
from sentir.recognizer.card import (
    front_matter,
    limitations,
    make_model_card,
    save_model_cards,
    summarize_data,
)
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
    assert "synthetic-data" in front_matter(recipe, tiny_corpus().label_space("emotion"), facts)


def test_random_weights_are_a_limitation(facts):
    assert "Randomly initialized text encoder." in card(facts, model={"pretrained": False})


def test_the_license_is_shown_if_it_is_known(facts):
    assert "License of the corpus: GPL-3.0." in card(facts, data={"reader": "meld"})
    assert "License of the corpus: unknown." in card(facts)


def test_the_front_matter_is_valid_metadata_for_the_hub(facts):
    space = tiny_corpus().label_space("emotion")
    tree = yaml.safe_load(front_matter(tiny_recipe("w"), space, facts))
    assert tree["library_name"] == "sentir" and tree["pipeline_tag"] == "text-classification"
    (results,) = [one["results"] for one in tree["model-index"]]
    assert {one["dataset"]["split"] for one in results} == {"dev", "test"}
    assert "base_model" not in tree, "weights of a folder have no hub id"
    named = tiny_recipe(None, model={"weights": None, "backbone": "minilm"})
    assert (
        yaml.safe_load(front_matter(named, space, facts))["base_model"]
        == "sentence-transformers/all-MiniLM-L6-v2"
    )


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
