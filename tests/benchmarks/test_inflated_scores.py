"""The page on inflated scores is measured by a script that does not use test; the tests that it names exist."""

import re
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from sentir.evaluation.locked.ledger import list_openings_by_fingerprint
from sentir.readers import read_corpus
from sentir.recipe import Recipe

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "benchmarks"))

import inflated_scores  # noqa: E402
from flaws.held_out import HeldOutCorpus, PredictedRows, compare_scores  # noqa: E402

DIALOGUES = 40
NAMED = re.compile(r"`([\w/]+\.py)(?:::(\w+))?`")


def small(reader):
    """Forty dialogues of a demo corpus to train on, and its other splits."""
    corpus = read_corpus(Recipe.parse({"name": "inflated-scores", "data": {"reader": reader}}).data)
    dialogues = set(list(dict.fromkeys(u.dialogue for u in corpus.train))[:DIALOGUES])
    rows = tuple(u for u in corpus if u.split != "train" or u.dialogue in dialogues)
    return HeldOutCorpus.hold_out(replace(corpus, utterances=rows), quick=True)


@pytest.fixture(scope="module")
def meld():
    return small("demo-meld")


@pytest.fixture(scope="module")
def mosei():
    return small("demo-mosei")


def by_flaw(flaws, data):
    return {finding.flaw: finding for finding in inflated_scores.measure(flaws, data)}


def test_held_out_rows_share_no_dialogue_with_train_and_test_is_not_used(meld):
    sides = [{u.dialogue for u in rows} for rows in (meld.train, meld.dev, meld.held_out)]
    assert all(sides) and not (sides[0] & sides[1] or sides[0] & sides[2] or sides[1] & sides[2])
    assert {u.split for u in meld.held_out} == {"train"}
    list(
        inflated_scores.measure(
            (inflated_scores.label_leakage.gold_emotion, inflated_scores.rows.ids_without_split), meld
        )
    )
    assert list_openings_by_fingerprint(meld.corpus.test_fingerprint) == ()


def test_equal_predictions_do_not_differ_and_dropped_rows_are_resampled_with_their_dialogues(meld):
    space, rows = meld.label_space("emotion"), meld.held_out
    p = np.random.default_rng(0).dirichlet(np.ones(len(space)), len(rows))
    complete = PredictedRows(space, rows, [(p, None)])
    same = compare_scores("none", meld, complete, complete)
    assert same.reported == same.correct and same.low == same.high == 0
    without_one = [n for n, u in enumerate(rows) if u.dialogue != rows[0].dialogue]
    fewer = PredictedRows(space, [rows[n] for n in without_one], [(p[without_one], None)])
    shorter = compare_scores("a dialogue less", meld, complete, fewer)
    assert shorter.low <= shorter.reported - shorter.correct <= shorter.high and shorter.low < shorter.high


def test_every_single_label_flaw_is_measured_and_label_leakage_inflates_the_score(meld):
    flaws = [flaw for flaw in inflated_scores.TEXT_FLAWS if flaw is not inflated_scores.pooling.pooled_padding]
    found = by_flaw(flaws, meld)
    assert len(found) == 15  # multi-label flaws do not apply, two flaws have two variants
    assert all(0 <= f.correct <= 1 and 0 <= f.reported <= 1 and f.low <= f.high for f in found.values())
    gold = found["gold emotion as an input of the sentiment model"]
    assert gold.low > 0 and gold.true_score < gold.reported
    assert found["augmented copies made before a random split"].low > 0
    assert found["stacking on a model trained on train and dev, scored on dev"].low > 0
    assert found["predictions of a shuffled loader, written back by position"].high < 0
    assert found["columns named in order when train lacks 'disgust'"].high < 0
    best = found["the best of 20 candidates, selected on test"]
    assert best.reported >= best.correct and best.low >= 0


def test_multi_label_flaws_are_measured_too(mosei):
    flaws = (
        inflated_scores.label_leakage.target_columns,
        inflated_scores.selection.thresholds_on_test,
        inflated_scores.preprocessing.raw_logits,
    )
    columns, thresholds, logits = inflated_scores.measure(flaws, mosei)
    assert columns.reported > columns.correct > columns.true_score
    assert thresholds.reported > thresholds.correct
    assert logits.reported < logits.correct


def test_flaws_that_do_not_apply_to_a_corpus_are_left_out(meld, mosei):
    assert (
        list(
            inflated_scores.measure(
                (inflated_scores.selection.thresholds_on_test, inflated_scores.label_leakage.target_columns), meld
            )
        )
        == []
    )
    assert (
        list(
            inflated_scores.measure(
                (inflated_scores.preprocessing.shifted_columns, inflated_scores.rows.ids_without_split), mosei
            )
        )
        == []
    )


def test_the_table_is_markdown(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["inflated_scores.py", "--quick"])
    monkeypatch.setattr(inflated_scores, "TEXT_FLAWS", (inflated_scores.rows.shuffled_predictions,))
    inflated_scores.main()
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 4 and {line.count("|") for line in lines} == {len(inflated_scores.HEADER) + 1}
    assert [line.split(" | ")[1] for line in lines[2:]] == ["demo-meld, emotion", "demo-mosei, emotion"]


def text_of(name):
    return (ROOT / "docs" / name).read_text(encoding="utf-8")


def numbers_of(text, decimal, thousands):
    plain = re.sub(rf"(\d){re.escape(thousands)}(\d{{3}})(?!\d)", r"\1\2", text)
    plain = re.sub(rf"{re.escape(decimal)}(\d)", r".\1", plain)
    return sorted(float(n) for n in re.findall(r"(?<!\w)-?\d*\.?\d+", plain))


def test_both_documents_have_the_same_numbers_and_name_the_same_files_and_tests():
    english, spanish = text_of("en/inflated-scores.md"), text_of("es/inflated-scores.md")
    assert numbers_of(english, ".", ",") == numbers_of(spanish, ",", ".") != []
    assert NAMED.findall(english) == NAMED.findall(spanish)


def test_every_file_and_test_that_the_documents_name_exists():
    named = NAMED.findall(text_of("en/inflated-scores.md"))
    assert len(named) > 20
    for path, test in named:
        text = (ROOT / path).read_text(encoding="utf-8")
        assert not test or f"def {test}(" in text, (path, test)
