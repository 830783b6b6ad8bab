"""Models are selected on dev, test is evaluated once, and errors lose no finished work."""

import random
from dataclasses import replace

import pytest
from study_parts import BASELINES, CANDIDATES, TASKS, rows, stages, without_test
from tiny_corpora import tiny_corpus, tiny_recipe, write_table

from sentir.corpus.predictions import Predictions
from sentir.corpus.sealed import SealedLabels
from sentir.errors import CorpusError, LockedTestError, RecipeError, SentirError, UnknownNameError
from sentir.evaluation.locked.ledger import list_openings_by_fingerprint
from sentir.study import stacking

# Errors


def test_a_killed_study_resumes(study, recipe, counts, monkeypatch, corpus):
    fit = stacking.fit_recognizer

    def dies(recipe, corpus, **keywords):
        if recipe.name == "slow":
            raise KeyboardInterrupt
        return fit(recipe, corpus, **keywords)

    with monkeypatch.context() as patch:
        patch.setattr(stacking, "fit_recognizer", dies)
        with pytest.raises(KeyboardInterrupt):
            study(recipe(tasks=["emotion"]))
    assert counts == {"fit": 2} and list_openings_by_fingerprint(corpus.test_fingerprint) == ()
    counts.clear()
    report = study(recipe(tasks=["emotion"]))
    assert counts["fit"] == 1 and counts["open"] == 1
    assert len(rows(report.scores, split="test")) == 3


def test_a_failing_candidate_keeps_the_others_and_test_is_not_evaluated(study, recipe, counts, corpus, tmp_path):
    broken = {"plain": {}, "broken": {"model": {"layers": [99]}}}
    with pytest.raises(RecipeError, match="names layer 99"):
        study(recipe(tasks=["emotion"], candidates=broken))
    assert (
        len(stages(tmp_path / "out", "train")) == 1
        and list_openings_by_fingerprint(corpus.test_fingerprint) == ()
    )
    assert not [path for path in (tmp_path / "out").iterdir() if path.name == "results.json"]
    counts.clear()
    study(recipe(tasks=["emotion"], candidates={"plain": {}, "mended": {"model": {"hidden_size": 24}}}))
    assert counts == {"fit": 1, "predict": 1, "open": 1}


def test_candidates_are_checked_before_training(study, recipe, counts, tmp_path):
    with pytest.raises(RecipeError, match=r"study\.candidates\.typo.*did you mean 'hidden_size'"):
        study(recipe(candidates={"plain": {}, "typo": {"model": {"hiden": 24}}}))
    with pytest.raises(UnknownNameError, match="did you mean roberta-base"):
        study(recipe(candidates={"plain": {}, "typo": {"model": {"backbone": "roberta-bse"}}}))
    assert not counts and not (tmp_path / "out").exists()


def test_test_is_not_evaluated_if_the_ledger_cannot_be_written(study, recipe, tmp_path, monkeypatch):
    monkeypatch.setenv("SENTIR_STATE_DIR", str(tmp_path / "file"))
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(LockedTestError):
        study(recipe(tasks=["emotion"], candidates={"plain": {}}))
    assert stages(tmp_path / "out", "train") and not stages(tmp_path / "out", "test")


# Selection


def test_test_labels_affect_only_the_test_scores(done, study, recipe, use_corpus, counts, tmp_path):
    draw = random.Random(5)

    def swapped(u):
        if u.split != "test":
            return u
        return replace(u, labels={"emotion": (draw.choice(["joy", "sadness"]),), "feelings": ("joy",)})

    use_corpus(tiny_corpus(swapped))
    other = study(recipe(), tmp_path / "other")
    assert counts["fit"] == 6 and counts["open"] == 1
    assert without_test(other) == without_test(done.report)
    one, two = (rows(report.scores, split="test") for report in (done.report, other))
    assert [(row.model, row.role) for row in one] == [(row.model, row.role) for row in two]
    assert all(a.metrics != b.metrics for a, b in zip(one, two, strict=True))
    for kind in ("predict", "baseline"):
        predictions = [
            sorted(
                Predictions.load(path / "test.parquet").probabilities.round(12).tolist()
                for path in stages(out, kind)
            )
            for out in (done.out, tmp_path / "other")
        ]
        assert predictions[0] == predictions[1] and len(predictions[0]) >= 2


def test_test_labels_are_revealed_only_after_the_ledger_has_counted(study, recipe, monkeypatch, corpus):
    reveal, seen = SealedLabels._reveal, []

    def watched(self):
        seen.append(len(list_openings_by_fingerprint(corpus.test_fingerprint)))
        return reveal(self)

    monkeypatch.setattr(SealedLabels, "_reveal", watched)
    study(recipe(candidates={"plain": {}}))
    assert seen == [0, 1]  # the audit counts labels before, which is no evaluation


def test_always_reported_candidates_are_scored_on_test_too(done, study, recipe, counts):
    report = study(recipe(always_report=["plain", "dialogue", "slow"]), done.out)
    for task in TASKS:
        test = rows(report.scores, task=task, split="test")
        assert sorted(row.model for row in test) == sorted([*CANDIDATES, *BASELINES])
        assert test[0].role == "selected" and {row.role for row in test[1:]} == {"candidate", "baseline"}
        assert test[0].model == report.selected["tiny", task] == done.report.selected["tiny", task]
    assert counts["fit"] == 0 and counts["open"] == 1


def test_a_recipe_without_candidates_is_the_only_candidate(study, recipe):
    report = study(recipe(tasks=[], candidates={}))
    assert {row.model for row in rows(report.scores, role="candidate")} == {"model"}
    assert {row.task for row in report.scores} == {"emotion"}


def test_random_weights_are_noted_in_the_row(study, recipe):
    random = {"random": {"model": {"pretrained": False, "encoder": "finetune"}}}
    report = study(recipe(tasks=["emotion"], candidates=random))
    notes = {row.model: row.notes for row in report.scores}
    assert "random" in notes["random"][0] and notes["majority"] == ()


def test_two_corpora_are_in_one_report_and_evaluated_on_test_once_each(study, recipe, weights, corpus, tmp_path):
    labels = {u.id: ("neutral", "joy", "sadness")[n % 3] for n, u in enumerate(corpus)}
    write_table(corpus, tmp_path / "own.csv", labels)
    table = {
        "text": "text",
        "id": "id",
        "speaker": "speaker",
        "dialogue": "dialogue",
        "split": "split",
        "label": "label",
    }
    own = tiny_recipe(weights, name="own", data={"table": table | {"file": "own.csv"}})
    report = study([recipe(tasks=["emotion"], candidates={"plain": {}}), own])
    assert set(report.selected) == {("tiny", "emotion"), ("own", "emotion")}
    assert [(o.corpus, o.number) for o in report.openings] == [("tiny", 1), ("own", 1)]
    saved = {path.name for path in (tmp_path / "out" / "models").iterdir()}
    baselines = [key for key, name in report.selected.items() if name in BASELINES]
    assert saved == {"own-emotion", "tiny-emotion"} | {f"{c}-{task}-baseline" for c, task in baselines}


def assert_rejected(study, recipes, counts, out, error, match):
    with pytest.raises(error, match=match):
        study(recipes)
    assert not counts and not (out / "out").exists()


def test_two_recipes_of_one_corpus_are_rejected(study, recipe, counts, tmp_path):
    assert_rejected(
        study,
        [recipe(), recipe(tasks=["emotion"]).override({"name": "other"})],
        counts,
        tmp_path,
        RecipeError,
        "separate --out",
    )


SHORT = {
    "one dialogue in test": (
        lambda u: replace(u, dialogue="one") if u.split == "test" else u,
        "2 dialogues in test",
    ),
    "one label": (lambda u: replace(u, labels={"emotion": ("joy",)}), "the same label for 'emotion'"),
    "no text": (lambda u: replace(u, text=" "), "no text in train"),
    "no labels on dev": (
        lambda u: replace(u, labels={}) if u.split == "dev" else u,
        "no dev utterance with labels",
    ),
}


@pytest.mark.parametrize("lack", SHORT)
def test_an_insufficient_corpus_is_rejected_before_training(lack, study, recipe, counts, tmp_path, use_corpus):
    change, match = SHORT[lack]
    use_corpus(tiny_corpus(change))
    assert_rejected(study, recipe(tasks=["emotion"]), counts, tmp_path, CorpusError, match)


@pytest.mark.parametrize("setting", [{"study": {"tasks": ["emotion", "mood"]}}, {"evaluation": {"metric": "f"}}])
def test_tasks_and_metrics_are_checked_before_training(setting, study, recipe, counts, tmp_path):
    assert_rejected(
        study, recipe().override(setting), counts, tmp_path, (CorpusError, UnknownNameError), "mood|'f'"
    )


@pytest.mark.parametrize(
    ("kind", "file"),
    [
        ("train", "dev.parquet"),
        ("train", "model/sentir.json"),
        ("predict", "test.parquet"),
        ("baseline", "test.parquet"),
        ("test", "results.json"),
    ],
)
def test_a_damaged_stage_is_named_and_can_be_deleted(kind, file, done, study, recipe):
    stage = stages(done.out, kind)[0]
    (stage / file).write_bytes((stage / file).read_bytes()[:50])
    with pytest.raises(SentirError, match=f"delete the folder {stage} and run again"):
        study(recipe(), done.out)


def test_a_synthetic_corpus_is_noted_once_in_every_row(study, recipe, use_corpus, corpus):
    use_corpus(replace(corpus, synthetic=True))
    report = study(recipe(tasks=["emotion"], candidates={"plain": {}}))
    assert {row.split for row in report.scores} == {"dev", "test"}
    assert {row.notes for row in report.scores} == {("synthetic corpus",)}
