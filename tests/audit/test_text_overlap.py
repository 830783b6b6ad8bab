"""Duplicates between splits: planted ones are found in any disguise, and clean corpora have none."""

import random
import unicodedata
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sentir.audit import audit, measure_leakage
from sentir.corpus import near_duplicates
from sentir.corpus.corpus import Corpus
from sentir.corpus.label_spaces import SingleLabelSpace
from sentir.corpus.near_duplicates import TrigramIndex
from sentir.corpus.text_similarity import normalize_text, select_distinctive_texts
from sentir.corpus.utterances import Utterance

SPACE = SingleLabelSpace("emotion", ("anger", "joy"))
SYLLABLES = [a + b for a in "bdfglmnprst" for b in ("a", "e", "é", "i", "o", "u", "ñi")]
COMMON = ("Okay.", "Yeah!", "Oh my God!", "What?", "I don't know.", "Thank you.", "No, no, no!", "Hey.")
ORDER = "ABCDE"


def sentences(n, seed):
    """Return made-up sentences of 8 to 14 words of up to three syllables."""
    draw = random.Random(seed)

    def word():
        return "".join(draw.choices(SYLLABLES, k=draw.randint(1, 3)))

    return [" ".join(word() for _word in range(draw.randint(8, 14))).capitalize() + "." for _row in range(n)]


def one_word_changed(text, draw):
    words = text.split()
    words[draw.randrange(len(words))] = draw.choice(("perro", "casa", "mesa"))
    return " ".join(words)


DISGUISES = {
    "exact": lambda text, draw: text,
    "lower case": lambda text, draw: text.lower(),
    "without punctuation": lambda text, draw: text.replace(".", "").replace("'", ""),
    "one word changed": one_word_changed,
    "an emoji added": lambda text, draw: f"{text} 😀\ufe0f",
    "NFD": lambda text, draw: unicodedata.normalize("NFD", text),
    "invisible characters": lambda text, draw: "\u200b".join(text.split(" ")).replace("a", "a\u00ad"),
    "full width": lambda text, draw: "".join(chr(ord(c) + 0xFEE0) if "a" <= c <= "z" else c for c in text),
    "spaces": lambda text, draw: text.replace(" ", "  \t"),
}


def corpus_of(train, dev, test, other_label=frozenset()):
    """Return a corpus of texts, with common phrases added to each split."""
    rows = [
        Utterance(
            f"c/{split}/{n}",
            split,
            text=text,
            speaker=f"{split}{n % 5}",
            labels={"emotion": (SPACE.names[n % 2 ^ (split == "train" and n in other_label)],)},
        )
        for split, texts in (("train", train), ("dev", dev), ("test", test))
        for n, text in enumerate([*texts, *COMMON * (len(texts) // 20)])
    ]
    return Corpus.build("c", rows, (SPACE,))


def planted(share, disguise, n=200):
    """Return a corpus whose first train texts duplicate a share of test, and the number of duplicates."""
    draw, test = random.Random(1), sentences(n, 3)
    copies = [disguise(text, draw) for text in test[: round(share * n)]]
    return corpus_of([*copies, *sentences(3 * n - len(copies), 1)], sentences(n, 2), test), len(copies)


def finding(report, kind):
    return next((f for f in report.findings if f.kind == kind), None)


@pytest.fixture(scope="module")
def clean():
    return audit(planted(0, DISGUISES["exact"])[0])


def test_a_clean_corpus_has_no_duplicates_despite_common_phrases(clean):
    assert clean.grade == "A" and not [f for f in clean.findings if f.kind.startswith("duplicates")]
    common = finding(clean, "common_texts_of_test_in_train")
    assert (common.severity, common.grade, common.count) == ("note", "A", 80)
    assert "28.6%" in common.message


@pytest.mark.parametrize("disguise", DISGUISES.values(), ids=DISGUISES)
def test_planted_duplicates_are_found_in_any_disguise_and_graded_by_share(disguise, clean):
    grades = [clean.grade]
    for share in (0.01, 0.15, 0.5, 1.0):
        corpus, n = planted(share, disguise)
        report = audit(corpus)
        duplicates = finding(report, "duplicates_of_test_in_train")
        assert 0.95 * n <= duplicates.count <= n
        assert not finding(report, "duplicates_of_test_in_dev") and not finding(
            report, "duplicates_of_dev_in_train"
        )
        grades.append(report.grade)
    assert grades == sorted(grades, key=ORDER.index)
    assert grades[:2] == ["A", "A"] and grades[2] > "A" and grades[-1] == "E"


def test_a_test_split_of_duplicates_has_grade_e_and_half_a_percent_is_a_note():
    test, train = sentences(1000, 3), sentences(2000, 1)
    for copied, grade, severity in ((1000, "E", "problem"), (100, "C", "warning"), (5, "A", "note")):
        rows = [
            Utterance(f"c/{split}/{n}", split, text=text, labels={"emotion": (SPACE.names[n % 2],)})
            for split, texts in (
                ("train", [*train, *map(str.upper, test[:copied])]),
                ("dev", train[:0]),
                ("test", test),
            )
            for n, text in enumerate(texts)
        ]
        found = finding(audit(Corpus.build("c", rows, (SPACE,))), "duplicates_of_test_in_train")
        assert (found.count, found.grade, found.severity) == (copied, grade, severity)
        assert all(key.startswith("c/train/") for key in found.examples)


def test_duplicates_in_dev_have_a_kind_of_their_own():
    test, dev = sentences(100, 3), sentences(100, 2)
    found = audit(corpus_of(sentences(200, 1), [*test[:40], *dev[40:]], test))
    assert finding(found, "duplicates_of_test_in_dev").count == 40
    assert finding(found, "duplicates_of_test_in_train") is None


def test_duplicates_with_another_label_are_counted():
    test = sentences(100, 3)
    corpus = corpus_of([*test, *sentences(100, 1)], sentences(50, 2), test, other_label=range(30))
    assert "100 (71.4%)" in (message := finding(audit(corpus), "duplicates_of_test_in_train").message)
    assert "30 of them have another label there" in message


def test_sentences_of_a_script_are_no_duplicates():
    script = sentences(2, 0) * 20
    report = audit(corpus_of(script * 3, script, script))
    common = finding(report, "common_texts_of_test_in_train")
    assert report.grade == "A" and common.count == len(script) + 2 * len(COMMON)


def test_sentences_of_one_pattern_are_no_duplicates():
    towns = [one + SYLLABLES[(7 * n + 1) % len(SYLLABLES)] for n, one in enumerate(SYLLABLES)]
    kinds = [f"After the long winter we all moved to {town} again." for town in towns]
    report = audit(corpus_of(kinds[:50], kinds[50:60], kinds[60:]))
    assert report.grade == "A" and finding(report, "duplicates_of_test_in_train") is None


def test_texts_are_also_compared_after_cleaning():
    test = [f"The old lighthouse keeper counted {n} ships" for n in sentences(40, 3)]
    aside = "({} and then laughs for a very long while at the joke that an old friend of his made as he came by)"
    train = [f"{text} {aside.format(more * 2)}" for text, more in zip(test, sentences(40, 5), strict=True)]
    corpus = corpus_of(train, sentences(40, 2), test)
    assert (
        finding(audit(corpus, leakage=measure_leakage(corpus, ("lowercase",))), "duplicates_of_test_in_train")
        is None
    )
    steps = ("drop_parentheses", "lowercase")
    assert (
        finding(audit(corpus, leakage=measure_leakage(corpus, steps)), "duplicates_of_test_in_train").count == 40
    )


def compare_all_pairs(texts, others):
    """Return the nearest near-duplicates and their numbers, by the definition."""
    nearest, counts = [], []
    for text in texts:
        similarity = [jaccard(text, other) if min(map(weight, (text, other))) >= 24 else 0 for other in others]
        best = max(similarity)
        nearest.append(similarity.index(best) if best >= Fraction(6, 10) else -1)
        counts.append(sum(one >= Fraction(6, 10) for one in similarity))
    return nearest, counts


def jaccard(one, other):
    a, b = ({text[n : n + 3] for n in range(len(text) - 2)} for text in (one, other))
    return Fraction(len(a & b), len(a | b))


def find_near_duplicates(texts, others):
    nearest, counts = TrigramIndex([*texts, *others]).find_near_duplicates(texts, others)
    return nearest.tolist(), counts.tolist()


letters = st.text("abñ語", min_size=12, max_size=60)


@given(st.lists(letters, min_size=1, max_size=8), st.lists(letters, min_size=1, max_size=8))
def test_near_duplicates_are_those_of_comparing_all_pairs(texts, others):
    assert find_near_duplicates(texts, others) == compare_all_pairs(texts, others)


def test_near_duplicates_of_sentences_of_all_lengths_are_those_of_comparing_all_pairs(monkeypatch):
    monkeypatch.setattr(near_duplicates, "_CHUNK_TEXTS", 50)
    monkeypatch.setattr(near_duplicates, "_CHUNK_PAIRS", 300)
    draw = random.Random(0)
    texts = [normalize_text(text[: draw.randint(30, 200)]) for text in sentences(200, 4)]
    others = [vary(draw.choice(texts), draw) for _n in range(300)]
    found = find_near_duplicates(texts, others)
    assert found == compare_all_pairs(texts, others)
    assert 50 < sum(row < 0 for row in found[0]) < 150 and max(found[1]) > 1


def vary(text, draw):
    """Return a text with a part cut out and another one added, more or less near to it."""
    start, length = draw.randrange(len(text)), draw.randrange(len(text) // 3 + 1)
    return text[:start] + text[start + length :] + "xyz" * draw.randrange(6)


def test_texts_without_near_duplicates_are_compared_with_nothing():
    assert find_near_duplicates([], []) == ([], []) and find_near_duplicates(["okay"], []) == ([-1], [0])


def weight(text):
    return sum(2 if c == "語" else 1 for c in text)


@given(st.text(max_size=60))
def test_normalizing_a_normalized_text_changes_nothing(text):
    assert normalize_text(normalize_text(text)) == normalize_text(text)
    assert normalize_text(text.lower()) == normalize_text(text.lower() + " \u200b!…😀")


def test_only_long_and_rare_texts_are_distinctive():
    texts = ["a text that is long enough", "okay", *["a formula of everybody"] * 6, "今日はとても楽しかった"]
    assert select_distinctive_texts(map(normalize_text, texts)) == {
        normalize_text(texts[0]),
        normalize_text(texts[-1]),
    }


def test_sentences_of_sixteen_letters_or_eight_wide_ones_are_distinctive():
    assert select_distinctive_texts(["a" * 15, "b" * 16, "漢" * 7, "字" * 8]) == {"b" * 16, "字" * 8}
