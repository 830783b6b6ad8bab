"""Recognizers that listen, stack or do both: they learn, are saved and loaded whole, and answer anything."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
from audio_files import tone, write_wav
from safetensors.torch import load_file
from tiny_corpora import spoken_recipe, stacking_on_text

from sentir.api import predict
from sentir.api.scoring import predict_split
from sentir.corpus.utterances import Clip, Utterance
from sentir.errors import RecognizerError
from sentir.evaluation.calibration.thresholds import tune_thresholds
from sentir.evaluation.metrics import DEFAULT_METRIC, compute_scores
from sentir.recognizer.recognizer import Recognizer
from sentir.study.baselines import fit_predict_baseline
from sentir.study.stacking import train_recognizer

pytestmark = pytest.mark.usefixtures("one_store")
TASKS = ("emotion", "feelings")
KINDS = ("audio", "numbers", "chain", "both", "everything")
LEARNS = {"epochs": 6, "lr": 0.01, "encoder_lr": 0.01, "patience": 6}
CLEAR = 0.15  # above what is had without looking


def recipe_of(kind, task, weights):
    on_text = stacking_on_text(weights, folds=2)["model"]
    reading = {"kind": "multimodal", "encoder": "finetune", "layers": [0]}
    model = {
        "audio": {},
        "numbers": {"features": ["thesis", "dialogue"]},
        "chain": on_text,
        "both": reading,
        "everything": {
            **on_text, "kind": "multimodal", "features": ["stacked", "functionals", "lexical"],
            "fusion": "concat", "context": "dialogue",
        },
    }[kind]  # fmt: skip
    return spoken_recipe(weights, data={"task": task}, model=model, train=LEARNS)


@pytest.fixture(scope="module")
def trained(spoken, weights, sounds, tmp_path_factory):
    """(kind, task) → recognizer and its dev predictions, each trained once."""
    known, home = {}, tmp_path_factory.mktemp("home")

    def get(kind, task):
        if (kind, task) not in known:
            with pytest.MonkeyPatch.context() as patch:
                patch.setenv("SENTIR_CACHE_DIR", str(home))
                patch.setenv("SENTIR_AUDIO_DIR", str(sounds))
                known[kind, task] = train_recognizer(recipe_of(kind, task, weights), spoken)
        return known[kind, task]

    return get


def assert_same(one, other, utterances):
    first, second = one.predict_utterances(utterances), other.predict_utterances(utterances)
    np.testing.assert_allclose(first.probabilities, second.probabilities, atol=1e-6)
    assert first.ids == second.ids and one.labels(first) == other.labels(second)


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("kind", KINDS)
def test_it_learns_what_is_heard(kind, task, trained, spoken):
    recognizer, dev = trained(kind, task)
    space, metric = recognizer.space, DEFAULT_METRIC[recognizer.space.kind]
    truth = space.encode([u.labels[task] for u in spoken.dev])

    def value(predictions):
        p = predictions.select(u.id for u in spoken.dev).probabilities
        return compute_scores(space, truth, p, tune_thresholds(space, truth, p))[metric]

    chance = value(fit_predict_baseline("majority", recognizer.recipe, spoken, metric, ["dev"])["dev"])
    assert value(dev) > chance + CLEAR
    assert value(dev) == pytest.approx(recognizer.facts["dev_score"])


@pytest.mark.parametrize("light", [False, True])
@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("kind", KINDS)
def test_saved_and_loaded_it_predicts_the_same(kind, task, light, trained, spoken, tmp_path):
    recognizer, dev = trained(kind, task)
    recognizer.save_pretrained(tmp_path / "saved", skip_frozen_weights=light)
    loaded = Recognizer.from_pretrained(tmp_path / "saved")
    assert_same(recognizer, loaded, spoken.test)
    np.testing.assert_allclose(loaded.predict_utterances(spoken.dev).probabilities, dev.probabilities, atol=1e-6)
    assert loaded.modalities == recognizer.modalities and loaded.recipe == recognizer.recipe
    files = [path for path in (tmp_path / "saved").rglob("*") if path.is_file()]
    assert {path.suffix for path in files} == {".json", ".safetensors"} | (set() if light else {".md"})
    for path in files:
        content = load_file(path) if path.suffix == ".safetensors" else path.read_text(encoding="utf-8")
        assert json.loads(content) if path.suffix == ".json" else content


@pytest.mark.parametrize(
    ("kind", "needs"), [("audio", {"audio"}), ("chain", {"text", "audio"}), ("both", {"text", "audio"})]
)
def test_it_knows_what_it_needs(kind, needs, trained):
    assert trained(kind, "emotion")[0].modalities == needs


def test_a_later_save_leaves_no_stacked_model_behind(trained, spoken, tmp_path):
    trained("chain", "emotion")[0].save_pretrained(tmp_path)
    assert (tmp_path / "stacked" / "sentir.json").is_file()
    trained("audio", "emotion")[0].save_pretrained(tmp_path)
    left = {"README.es.md", "README.md", "model.safetensors", "sentir.json"}
    assert {path.name for path in tmp_path.iterdir()} == left
    assert_same(trained("audio", "emotion")[0], Recognizer.from_pretrained(tmp_path), spoken.dev)


def test_saved_onto_itself_it_stays_the_same(trained, spoken, tmp_path):
    trained("everything", "emotion")[0].save_pretrained(tmp_path)
    loaded = Recognizer.from_pretrained(tmp_path)
    loaded.save_pretrained(tmp_path)
    assert_same(trained("everything", "emotion")[0], Recognizer.from_pretrained(tmp_path), spoken.dev)


# What a person may ask


@pytest.fixture
def asked(tmp_path):
    """Utterances from outside any corpus: whole, without a side, without both, and with a clip that is none."""
    (tmp_path / "broken.wav").write_bytes(b"RIFF no sound")
    clip = Clip(write_wav(tmp_path / "tone.wav", tone(1.3, 1800), 16_000))
    return [
        Utterance("whole", text="I am fine.", clip=clip, speaker="Ana", dialogue="d", turn=0),
        Utterance("mute", text="So lonely", dialogue="d", turn=1),
        Utterance("wordless", clip=clip, dialogue="d", turn=2),
        Utterance("nothing"),
        Utterance("broken", text="They look fine!", clip=Clip(tmp_path / "broken.wav")),
        Utterance("gone", clip=Clip(tmp_path / "gone.wav")),
    ]


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("kind", KINDS)
def test_it_answers_whatever_is_missing_and_alike_in_any_company(kind, task, trained, asked, tmp_path):
    recognizer = trained(kind, task)[0]
    together = recognizer.predict_utterances(asked)
    assert together.ids == tuple(u.id for u in asked) and np.isfinite(together.probabilities).all()
    turned = recognizer.predict_utterances(asked[::-1]).select(together.ids)
    np.testing.assert_allclose(turned.probabilities, together.probabilities, atol=1e-5)
    for u in asked[3:] if kind in ("numbers", "everything") else asked:  # dialogues stay whole where they matter
        np.testing.assert_allclose(recognizer.predict_utterances([u])[u.id], together[u.id], atol=1e-5)
    assert len(recognizer.predict_utterances([])) == 0


def test_a_clip_from_outside_leaves_no_trace(trained, asked, tmp_path, monkeypatch):
    monkeypatch.setenv("SENTIR_AUDIO_DIR", str(tmp_path / "audio"))
    for kind in ("numbers", "chain"):
        trained(kind, "emotion")[0].predict_utterances(asked)
    assert not (tmp_path / "audio").exists()


@pytest.mark.parametrize("kind", ["both", "everything"])
def test_sound_and_words_both_matter(kind, trained, spoken):
    recognizer = trained(kind, "emotion")[0]
    labeled = {u.labels["emotion"][0]: u for u in spoken.dev}
    soft, loud = labeled["neutral"], labeled["joy"]
    asked = [soft, replace(soft, clip=loud.clip), replace(soft, text=labeled["sadness"].text)]
    plain, louder, sadder = (recognizer.predict_utterances([u]).probabilities[0] for u in asked)
    assert np.abs(plain - louder).max() > 1e-3 and np.abs(plain - sadder).max() > 1e-3


# Folders that cannot be used


def lose_levels(folder):
    path = folder / "sentir.json"
    path.write_text(json.dumps(json.loads(path.read_text(encoding="utf-8")) | {"mel_statistics": None}))


DAMAGES = {
    "no levels": lose_levels,
    "no stacked model": lambda folder: shutil.rmtree(folder / "stacked"),
    "stacked model cut short": lambda folder: (folder / "stacked" / "sentir.json").write_text("{"),
    "no weights": lambda folder: (folder / "model.safetensors").unlink(),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_folder_is_one_clear_sentence(damage, trained, tmp_path):
    trained("chain", "emotion")[0].save_pretrained(tmp_path / "saved")
    DAMAGES[damage](tmp_path / "saved")
    with pytest.raises(RecognizerError) as caught:
        Recognizer.from_pretrained(tmp_path / "saved")
    assert str(tmp_path / "saved") in str(caught.value) and "\n" not in str(caught.value)


# What a model has learned to do without


@pytest.fixture
def half_asked(asked):
    """Rows with both, without sound, without words."""
    return asked[:3]


@pytest.mark.parametrize(
    ("kind", "tolerates"), [("audio", set()), ("chain", set()), ("both", {"text", "audio"}), ("text", set())]
)
def test_it_knows_what_it_has_learned_to_do_without(kind, tolerates, trained, spoken, weights):
    found = trained("chain", "emotion")[0].stacked if kind == "text" else trained(kind, "emotion")[0]
    assert found.optional_modalities == tolerates <= found.modalities


def test_what_was_missing_in_a_hundredth_of_train_may_be_missing(trained):
    chain = trained("chain", "emotion")[0]
    n = chain.facts["data"]["train"]["utterances"]

    def lacking(recognizer, **counts):
        return replace(recognizer, facts={**recognizer.facts, "missing_modalities": {"train": counts, "dev": {}}})

    assert lacking(chain, audio=1).optional_modalities == {"audio"} and n < 100
    assert lacking(chain, audio=0).optional_modalities == set()
    many = {**chain.facts["data"], "train": {**chain.facts["data"]["train"], "utterances": 1000}}
    for count, able in ((9, set()), (10, {"audio"})):
        one = lacking(chain, audio=count)
        assert replace(one, facts={**one.facts, "data": many}).optional_modalities == able
    assert replace(chain, stacked=lacking(chain.stacked, text=1)).optional_modalities == {"text"}
    both = replace(lacking(chain, audio=1), stacked=lacking(chain.stacked, text=1))
    assert both.optional_modalities == both.modalities
    old = replace(chain, facts={}, stacked=replace(chain.stacked, facts={}))
    assert old.optional_modalities == old.modalities, "as before it was counted"
    never = trained("both", "emotion")[0]
    recipe = never.recipe.override({"model": {"modality_dropout": 0.0}})
    assert replace(never, recipe=recipe).optional_modalities == set()


def test_a_row_without_what_the_model_never_missed_is_not_predicted(trained, half_asked):
    clip, texts = half_asked[0].clip, ["I am fine.", "So lonely"]
    chain, both = (trained(kind, "emotion")[0] for kind in ("chain", "both"))
    (pair,) = predict(chain, texts=texts[0], files=[clip.path])
    alone, heard = predict(chain, texts=texts[1]), predict(chain, files=[clip.path])
    assert pair.labels and not pair.problem
    assert alone[0].problem == "This model needs audio. There is no audio."
    assert heard[0].problem == "This model needs text. There is no text."
    assert not alone[0].labels and not heard[0].labels
    (done,) = predict(both, texts=texts[1])
    assert done.labels and not done.problem and any("from the text only" in note for note in done.notes)


def test_a_split_with_such_rows_is_scored_whole_and_it_is_said_once(trained, spoken, monkeypatch):
    said = []
    monkeypatch.setattr("sentir.logs.logger.warning", said.append)
    rows = [replace(u, clip=None) if n < 4 else u for n, u in enumerate(spoken.dev)]
    chain = trained("chain", "emotion")[0]
    found = predict_split(chain, rows)
    assert found.ids == tuple(u.id for u in rows)
    np.testing.assert_allclose(found.probabilities, chain.predict_utterances(rows).probabilities, atol=1e-6)
    assert said == [
        "4 of 15 utterances lack usable audio, and the model has not learned to do without; they are "
        "scored all the same."
    ]
    predict_split(trained("both", "emotion")[0], rows)
    predict_split(chain, spoken.dev)
    assert len(said) == 1
