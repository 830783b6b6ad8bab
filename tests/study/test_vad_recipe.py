"""The recipe of valence, arousal and dominance: on a tree like IEMOCAP's and a table like MSP-Podcast's."""

import csv
from pathlib import Path

import pytest
from corpus_trees import EVALUATION

from sentir import api
from sentir.recipe import Recipe
from sentir.study.plan import plan_candidates

RECIPE = Path(__file__).parents[2] / "recipes" / "iemocap-vad.toml"
NUMBERS = {"Great!": (4.5, 4.0, 3.5), "Fine.": (3.0, 2.0, 3.0), "Crying again.": (1.5, 2.5, 1.5)}
TASKS = ("valence", "arousal", "dominance")


def _iemocap(root):
    for session in range(1, 6):
        for scene in range(1, 4):
            dialogue, folder = f"Ses0{session}F_impro0{scene}", root / f"Session{session}/dialog"
            turns = [(f"{dialogue}_{'FM'[n % 2]}{n // 2:03}", [*NUMBERS][(n + scene) % 3]) for n in range(9)]
            lines = [
                EVALUATION.format(
                    start=n, end=n + 1, name=name, code="xxx", dims=", ".join(map(str, NUMBERS[text]))
                )
                for n, (name, text) in enumerate(turns)
            ]
            texts = [f"{name} [0.0-1.0]: {text}" for name, text in turns]
            for part, content in (("EmoEvaluation", lines), ("transcriptions", texts)):
                (folder / part).mkdir(parents=True, exist_ok=True)
                (folder / part / f"{dialogue}.txt").write_text("\n".join(content) + "\n", encoding="utf-8")
    return {}


def _msp_podcast(root):
    """Write a table with the columns of MSP-Podcast's labels and a text, and return the settings that read it."""
    header = ["FileName", "EmoAct", "EmoVal", "EmoDom", "SpkrID", "Split_Set", "text"]
    with (root / "labels.csv").open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow(header)
        for split, count in (("Train", 60), ("Development", 30), ("Test", 30)):
            for n in range(count):
                text = [*NUMBERS][n % 3]
                valence, arousal, dominance = NUMBERS[text]
                table.writerow([f"{split}_{n}.wav", arousal, valence, dominance, f"{split}{n % 5}", split, text])
    scales = {"EmoVal": [1, 7], "EmoAct": [1, 7], "EmoDom": [1, 7]}
    columns = {"file": "labels.csv", "id": "FileName", "speaker": "SpkrID", "split": "Split_Set", "text": "text"}
    names = [*scales]
    return {
        "data": {"reader": "table", "task": "EmoVal", "table": columns | {"values": scales}},
        "model": {"auxiliary_tasks": names, "context": "none"},
        "study": {"tasks": names},
    }


def test_its_candidates_are_text_audio_and_both_for_each_number():
    recipe = Recipe.load(RECIPE)
    plan = plan_candidates(recipe)
    assert tuple(plan) == TASKS
    kinds = {one.name: one.recipe.model.kind for one in plan["arousal"]}
    assert kinds == {"text": "hybrid_transformer", "audio": "emotion_model", "text and audio": "multimodal"}
    assert recipe.study.tasks == TASKS and recipe.model.auxiliary_tasks == TASKS


@pytest.mark.slow
@pytest.mark.parametrize("write", [_iemocap, _msp_podcast])
def test_it_trains_scores_each_number_and_timelines_have_a_curve_of_each(write, tmp_path):
    settings = write(tmp_path)
    small = [
        "data.audio=false",
        "train.epochs=15",
        "train.batch_size=16",
        "train.lr=5e-3",
        "model.hidden_size=16",
    ]
    recipe = Recipe.load(RECIPE, small).override(settings)
    out = tmp_path / "model"
    api.train(recipe, root=tmp_path, out=out)
    scores = {task: api.evaluate(out, root=tmp_path, task=task).metrics for task in recipe.study.tasks}
    assert all(next(iter(own)) == "ccc" and own["ccc"].value > 0.6 for own in scores.values())
    (tmp_path / "talk.csv").write_text("start,end,text\n0,2,Great!\n2,3,Crying again.\n", encoding="utf-8")
    timeline = api.timeline(out, tmp_path / "talk.csv")
    good, bad = timeline.curve[[0, 2], 0]
    assert good > bad + 1 and set(timeline.other_curves) == set(recipe.study.tasks[1:])
