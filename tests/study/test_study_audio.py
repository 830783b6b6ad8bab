"""A study of every family: text, audio, audio stacking on text, and both; and what is rejected beforehand."""

import json
import shutil
from dataclasses import replace
from itertools import combinations
from types import SimpleNamespace

import pytest
from study_parts import rows, stages
from tiny_corpora import TINY_NETWORK, spoken_corpus, spoken_recipe, stacking_on_text

from sentir.audio import store
from sentir.errors import CorpusError, RecipeError, UnknownNameError, WeightsError
from sentir.evaluation.locked.ledger import list_openings_by_fingerprint
from sentir.readers import READERS
from sentir.recognizer.recognizer import Recognizer
from sentir.study import outputs, run, stacking

pytestmark = pytest.mark.usefixtures("one_store")
FAMILIES = {
    "text": "text",
    "audio": "audio",
    "audio and functionals": "audio",
    "stacked": "audio_stacked",
    "wide stacked": "audio_stacked",
    "both": "text_audio",
}
BASELINES = ("majority", "bag of words", "acoustic")


def recipe_of(weights, **changes):
    stacked = stacking_on_text(weights, train={"epochs": 1})["model"]
    candidates = {
        "text": {"model": {"kind": "hybrid_transformer"}},
        "audio": {},
        "audio and functionals": {"model": {"features": ["functionals"]}},
        "stacked": {"model": stacked},
        "wide stacked": {"model": stacked | {"hidden_size": 24}},
        "both": {"model": {"kind": "multimodal", "features": ["thesis"]}},
    }
    study = {"candidates": candidates, "baselines": BASELINES} | changes.pop("study", {})
    tree = {"data": {"reader": "tiny"}, "train": {"epochs": 1}, "study": study} | changes
    return spoken_recipe(weights, **tree)


@pytest.fixture(scope="module")
def whole(spoken, weights, sounds, tmp_path_factory):
    """The study of every family, run once without rendering its report: its folder and the returned report."""
    folder, crossed = tmp_path_factory.mktemp("families"), []
    cross = stacking.cross_predict
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SENTIR_STATE_DIR", str(folder / "state"))
        patch.setenv("SENTIR_CACHE_DIR", str(folder / "cache"))
        patch.setenv("SENTIR_AUDIO_DIR", str(sounds))
        patch.setitem(READERS._entries, "tiny", lambda root, data: spoken)
        patch.setattr(outputs, "dry_run_report", lambda titles, corpora, recipes: None)
        patch.setattr(run, "save_report", lambda report, path: None)
        patch.setattr(
            "sentir.study.candidates.cross_predict", lambda *given, **kw: crossed.append(1) or cross(*given, **kw)
        )
        report = run.run_study([recipe_of(weights)], root=folder, out=folder / "out", accept_grade=True)
    return SimpleNamespace(folder=folder, out=folder / "out", report=report, crossed=len(crossed))


@pytest.fixture
def done(whole, use_corpus, spoken, tmp_path, monkeypatch):
    """A copy of the finished study to continue from."""
    shutil.copytree(whole.folder, tmp_path / "copy")
    monkeypatch.setenv("SENTIR_STATE_DIR", str(tmp_path / "copy" / "state"))
    monkeypatch.setenv("SENTIR_CACHE_DIR", str(tmp_path / "copy" / "cache"))
    use_corpus(spoken)
    return SimpleNamespace(out=tmp_path / "copy" / "out", report=whole.report)


# Results


def test_every_row_has_its_family(whole):
    dev = rows(whole.report.scores, split="dev")
    assert {row.model: row.family for row in dev} == FAMILIES | dict.fromkeys(BASELINES, "")
    table = json.loads((whole.out / "results.json").read_text(encoding="utf-8"))
    assert all(row["family"] == FAMILIES.get(row["model"], "") for row in table)


def test_the_best_of_each_family_on_dev_is_evaluated_on_test_in_one_opening(whole, spoken):
    dev = rows(whole.report.scores, split="dev", role="candidate")
    best = {}
    for row in dev:
        value = row.metrics["weighted_f1"].value
        best[row.family] = max(best.get(row.family, (-1, "")), (value, row.model), key=lambda pair: pair[0])
    test = rows(whole.report.scores, split="test")
    assert {row.family: row.model for row in test if row.family} == {
        key: name for key, (_v, name) in best.items()
    }
    assert sorted(row.model for row in test if not row.family) == sorted(BASELINES)
    assert test[0].role == "selected" and test[0].model == whole.report.selected["tiny", "emotion"]
    assert {row.role for row in test[1:]} == {"candidate", "baseline"} and len(test) == 4 + 3
    (opening,) = whole.report.openings
    assert opening.test_fingerprint == spoken.test_fingerprint and len(opening.models) == 4 + 3


def test_the_families_are_compared_with_one_another_under_one_correction(whole):
    test = [c for c in whole.report.comparisons if c.split == "test"]
    best = [row.model for row in rows(whole.report.scores, split="test") if row.family]
    pairs = {frozenset((c.a, c.b)) for c in test}
    assert pairs >= {frozenset(pair) for pair in combinations(best, 2)}
    selected = whole.report.selected["tiny", "emotion"]
    assert pairs >= {frozenset((selected, name)) for name in (*BASELINES, *best) if name != selected}
    assert len(test) == len(pairs) == 6 + (3 if selected in best else 2 + 4), "each pair once"
    smallest = min(test, key=lambda c: c.p)
    assert smallest.p_holm == pytest.approx(min(1, smallest.p * len(test)))


def test_randomly_initialized_networks_are_noted(whole):
    notes = {row.model: row.notes for row in whole.report.scores}
    for name, family in FAMILIES.items():
        assert any("audio" in note for note in notes[name]) == ("audio" in family), name


def test_a_stacking_model_is_saved_with_the_model_it_stacks_on(done, spoken, weights, study, counts):
    only = recipe_of(weights, study={"candidates": {"stacked": stacked_candidate(weights)}})
    study(only, done.out)
    assert counts["fit"] == 0
    saved = Recognizer.from_pretrained(done.out / "models" / "tiny-emotion")
    assert saved.stacked is not None and saved.modalities == {"text", "audio"}
    assert saved.predict_utterances(spoken.test).ids == tuple(u.id for u in spoken.test)
    files = [path for path in done.out.rglob("*") if path.is_file()]
    assert {path.suffix for path in files} <= {
        ".json",
        ".jsonl",
        ".toml",
        ".parquet",
        ".safetensors",
        ".npz",
        ".html",
        ".md",
    }


def stacked_candidate(weights):
    return {"model": stacking_on_text(weights, train={"epochs": 1})["model"]}


# What is cached


def test_candidates_that_stack_on_the_same_model_share_its_predictions(whole):
    assert whole.crossed == 1 and len(stages(whole.out, "cross")) == 1
    assert len(stages(whole.out, "train")) == len(FAMILIES)


def test_a_second_run_repeats_nothing(done, study, weights, counts, spoken):
    again = study(recipe_of(weights), done.out)
    assert not counts and len(list_openings_by_fingerprint(spoken.test_fingerprint)) == 1
    assert (again.scores, again.comparisons) == (done.report.scores, done.report.comparisons)


def test_a_deleted_stacking_stage_reuses_the_cached_cross_predictions(done, study, weights, counts):
    lost = next(path for path in stages(done.out, "train") if (path / "model" / "stacked").is_dir())
    shutil.rmtree(lost)
    again = study(recipe_of(weights), done.out)
    assert counts["fit"] == 1 and lost.is_dir()
    assert again.scores == done.report.scores


def test_an_unused_stacked_section_changes_no_training(done, study, weights, counts):
    described = {"stacked": stacking_on_text(weights)["model"]["stacked"]}
    study(recipe_of(weights, study={"candidates": {"audio": {"model": described}}}), done.out)
    assert counts["fit"] == 0


def test_changed_audio_retrains_audio_models_and_those_stacking_on_them(
    spoken, weights, study, use_corpus, counts, tmp_path
):
    audio = {"kind": "emotion_model", "audio": {"backbone": TINY_NETWORK, "pretrained": False}}
    on_audio = stacking_on_text(weights, folds=2, train={"epochs": 1}, model=audio)["model"]
    text = {"kind": "hybrid_transformer"}
    candidates = {"text": {"model": text}, "audio": {}, "text on audio": {"model": text | on_audio}}
    recipe = recipe_of(weights, study={"candidates": candidates, "baselines": ["acoustic"]})
    use_corpus(spoken)
    report = study(recipe)
    assert counts["fit"] == 1 + 1 + (2 + 1 + 1)
    random = {row.model for row in report.scores if "audio backbone" in " ".join(row.notes)}
    assert random == {"audio", "text on audio"}, "a model includes the one it stacks on"
    one = spoken.dev[0].clip
    use_corpus(spoken_corpus(tmp_path / "spoken", lambda u: replace(u, clip=one) if u.turn == 4 else u))
    counts.clear()
    study(recipe)
    assert counts["fit"] == 1 + (2 + 1 + 1), "the text model is unchanged"
    assert len(stages(tmp_path / "out", "baseline")) == 2


@pytest.mark.parametrize(("mel", "seeds", "walks"), [("mel", [0], 1), ("thesis", [0, 1], 2)])
def test_the_store_is_read_once_for_each_kind_of_mel_spectrogram(
    mel, seeds, walks, spoken, weights, study, use_corpus, counts, monkeypatch
):
    opened, load = [], store.StoreParts
    monkeypatch.setattr(store, "StoreParts", lambda folder: opened.append(folder) or load(folder))
    use_corpus(spoken)
    other = {"model": {"audio": {"mel": mel}, "features": ["functionals"]}}
    candidates = {"audio": {}, "other": other, "stacked": stacked_candidate(weights)}
    study(recipe_of(weights, study={"candidates": candidates, "seeds": seeds, "baselines": ["acoustic"]}))
    assert counts["fit"] == len(seeds) * (1 + 1 + 5) and len(opened) == walks


# What is rejected


WRONG = {
    "fusion": ({"kind": "multimodal", "fusion": "gatd"}, UnknownNameError, "did you mean gated"),
    "audio backbone": (
        {"audio": {"backbone": "efficientnet_bo"}},
        UnknownNameError,
        "did you mean efficientnet_b",
    ),
    "kind": ({"kind": "multimodel"}, UnknownNameError, "did you mean multimodal"),
    "dialogues without text": ({"context": "dialogue"}, RecipeError, r"model\.context"),
    "stacked without section": ({"features": ["stacked"]}, RecipeError, r"needs the section 'model\.stacked'"),
    "inner backbone": ({"stacked": {"model": {"backbone": "roberta-bse"}}}, UnknownNameError, "roberta-base"),
    "inner task": ({"stacked": {"task": "mood"}}, CorpusError, "no task 'mood'"),
    "more folds than dialogues": ({"stacked": {"folds": 7}}, RecipeError, "'folds' = 7"),
    "no audio weights": (
        {"audio": {"pretrained": True, "weights": "/nowhere.safetensors"}},
        WeightsError,
        r"/nowhere\.safetensors cannot be read",
    ),
    "audio weights unwanted": ({"audio": {"weights": "some.safetensors"}}, RecipeError, "contradict each other"),
    "no text weights": (
        {"kind": "hybrid_transformer", "weights": "/nowhere"}, WeightsError, "folder /nowhere has no model"
    ),
    "inner weights": ({"stacked": {"model": {"weights": "/nowhere"}}}, WeightsError, "/nowhere has no model"),
    "nothing pretrained to freeze": (
        {"kind": "hybrid_transformer", "pretrained": False}, RecipeError, "needs pretrained weights"
    ),
}  # fmt: skip


def assert_rejected(study, recipe, counts, out, error, match):
    with pytest.raises(error, match=match) as caught:
        study(recipe)
    assert not counts and not (out / "out").exists() and "\n" not in str(caught.value)


@pytest.mark.parametrize("case", WRONG)
def test_an_untrainable_candidate_is_rejected_before_training(
    case, spoken, weights, study, use_corpus, counts, tmp_path
):
    model, error, words = WRONG[case]
    use_corpus(spoken)
    base = stacking_on_text(weights)["model"] if "stacked" in model else {}
    inner = base["stacked"] | model["stacked"] if base else None
    odd = base | model | ({"stacked": inner} if base else {})
    recipe = recipe_of(weights).model_dump(mode="json")
    recipe["study"]["candidates"] = {"audio": {}, "odd": {"model": odd}}
    assert_rejected(study, type(recipe_of(weights)).parse(recipe), counts, tmp_path, error, words)


def test_an_unknown_baseline_is_rejected_before_anything_is_trained(
    spoken, weights, study, use_corpus, counts, tmp_path
):
    use_corpus(spoken)
    recipe = recipe_of(weights, study={"baselines": ["acustic"]})
    assert_rejected(
        study, recipe, counts, tmp_path, UnknownNameError, "no baseline called 'acustic'; did you mean acoustic"
    )


@pytest.mark.parametrize("who", ["audio", "both", "stacked", "baseline"])
def test_audio_models_and_baselines_reject_a_corpus_without_clips(
    who, corpus, weights, study, use_corpus, counts, tmp_path
):
    use_corpus(corpus)
    text = {"model": {"kind": "hybrid_transformer"}}
    found = {"audio": {}, "both": {"model": {"kind": "multimodal"}}, "stacked": stacked_candidate(weights)}.get(
        who, text
    )
    baselines = ["acoustic"] if who == "baseline" else ["majority"]
    recipe = recipe_of(weights)
    tree = recipe.to_dict() | {"study": {"candidates": {"text": text, who: found}, "baselines": baselines}}
    assert_rejected(study, type(recipe).parse(tree), counts, tmp_path, CorpusError, "no clips in train")
