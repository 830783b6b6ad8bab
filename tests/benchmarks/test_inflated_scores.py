"""What docs/honest.md claims is measured by a script that opens no test, and the guards it names exist."""

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
from flaws.held_out import Ground, Said, find  # noqa: E402

DIALOGUES = 40
NAMED = re.compile(r"`([\w/]+\.py)(?:::(\w+))?`")


def small(reader):
    """Forty dialogues of a demo corpus to learn from, and its other splits."""
    corpus = read_corpus(Recipe.parse({"name": "honest", "data": {"reader": reader}}).data)
    kept = set(list(dict.fromkeys(u.dialogue for u in corpus.train))[:DIALOGUES])
    rows = tuple(u for u in corpus if u.split != "train" or u.dialogue in kept)
    return Ground.cut(replace(corpus, utterances=rows), quick=True)


@pytest.fixture(scope="module")
def meld():
    return small("demo-meld")


@pytest.fixture(scope="module")
def mosei():
    return small("demo-mosei")


def by_flaw(flaws, ground):
    return {finding.flaw: finding for finding in inflated_scores.transform(flaws, ground)}


def test_what_stands_for_test_shares_no_dialogue_with_train_and_test_stays_closed(meld):
    sides = [{u.dialogue for u in rows} for rows in (meld.train, meld.dev, meld.held)]
    assert all(sides) and not (sides[0] & sides[1] or sides[0] & sides[2] or sides[1] & sides[2])
    assert {u.split for u in meld.held} == {"train"}
    list(
        inflated_scores.transform(
            (inflated_scores.label_leakage.gold_emotion, inflated_scores.rows.ids_without_split), meld
        )
    )
    assert list_openings_by_fingerprint(meld.corpus.test_fingerprint) == ()


def test_the_same_answers_differ_by_nothing_and_dropped_rows_are_resampled_with_their_dialogues(meld):
    space, rows = meld.label_space("emotion"), meld.held
    p = np.random.default_rng(0).dirichlet(np.ones(len(space)), len(rows))
    all_of_them = Said(space, rows, [(p, None)])
    same = find("none", meld, all_of_them, all_of_them)
    assert same.told == same.correct and same.low == same.high == 0
    without_one = [n for n, u in enumerate(rows) if u.dialogue != rows[0].dialogue]
    fewer = Said(space, [rows[n] for n in without_one], [(p[without_one], None)])
    found = find("a dialogue less", meld, all_of_them, fewer)
    assert found.low <= found.told - found.correct <= found.high and found.low < found.high


def test_every_flaw_of_one_label_is_measured_and_what_knows_the_label_flatters(meld):
    flaws = [flaw for flaw in inflated_scores.OF_WORDS if flaw is not inflated_scores.pooling.pooled_padding]
    found = by_flaw(flaws, meld)
    assert len(found) == 15  # those of several labels are silent, two flaws have two ways
    assert all(0 <= f.correct <= 1 and 0 <= f.told <= 1 and f.low <= f.high for f in found.values())
    gold = found["gold emotion as an input of the sentiment model"]
    assert gold.low > 0 and gold.true_score < gold.told
    assert found["copies with words left out, made before a random split"].low > 0
    assert found["stacked on a model that learned from train and dev; dev"].low > 0
    assert found["a shuffled loader, written back by position"].high < 0
    assert found["columns named in order where train lacks 'disgust'"].high < 0
    best = found["the best of 20 candidates, chosen on test"]
    assert best.told >= best.correct and best.low >= 0


def test_flaws_of_several_labels_are_measured_too(mosei):
    flaws = (
        inflated_scores.label_leakage.target_columns,
        inflated_scores.selection.thresholds,
        inflated_scores.preprocessing.raw_logits,
    )
    columns, thresholds, logits = inflated_scores.transform(flaws, mosei)
    assert columns.told > columns.correct > columns.true_score
    assert thresholds.told > thresholds.correct
    assert logits.told < logits.correct


def test_flaws_that_a_corpus_cannot_show_are_left_out(meld, mosei):
    assert (
        list(
            inflated_scores.transform(
                (inflated_scores.selection.thresholds, inflated_scores.label_leakage.target_columns), meld
            )
        )
        == []
    )
    assert (
        list(
            inflated_scores.transform(
                (inflated_scores.preprocessing.shifted_columns, inflated_scores.rows.ids_without_split), mosei
            )
        )
        == []
    )


def test_the_table_is_markdown(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["inflated_scores.py", "--quick"])
    monkeypatch.setattr(inflated_scores, "OF_WORDS", (inflated_scores.rows.by_position,))
    inflated_scores.main()
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 4 and {line.count("|") for line in lines} == {len(inflated_scores.HEAD) + 1}
    assert [line.split(" | ")[1] for line in lines[2:]] == ["demo-meld, emotion", "demo-mosei, emotion"]


def text_of(name):
    return (ROOT / "docs" / name).read_text(encoding="utf-8")


def numbers_of(text, decimal, thousands):
    plain = re.sub(rf"(\d){re.escape(thousands)}(\d{{3}})(?!\d)", r"\1\2", text)
    plain = re.sub(rf"{re.escape(decimal)}(\d)", r".\1", plain)
    return sorted(float(n) for n in re.findall(r"(?<!\w)-?\d*\.?\d+", plain))


def test_both_documents_have_the_same_numbers_and_name_the_same_files_and_tests():
    english, spanish = text_of("honest.md"), text_of("honesto.md")
    assert numbers_of(english, ".", ",") == numbers_of(spanish, ",", ".") != []
    assert NAMED.findall(english) == NAMED.findall(spanish)


def test_every_file_and_test_that_the_documents_name_is_there():
    named = NAMED.findall(text_of("honest.md"))
    assert len(named) > 20
    for path, test in named:
        text = (ROOT / path).read_text(encoding="utf-8")
        assert not test or f"def {test}(" in text, (path, test)
