"""The command line as users run it: its output and its exit code."""

import csv
import importlib.metadata
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from running import sentir

from sentir.cli import output, usage_errors
from sentir.cli.app import app

RECIPE = """
[data]
reader = "table"
[data.table]
file = "talk.csv"
text = "text"
speaker = "speaker"
dialogue = "dialogue"
split = "split"
label = "label"
[model]
layers = [2, 4, 6]
layer_pooling = "concat"
hidden_size = 16
context = "dialogue"
[train]
epochs = 3
batch_size = 16
[evaluation]
resamples = 100
permutations = 100
"""
TEXTS = {
    "joy": ("What a lovely day!", "I am so happy for you!", "This is wonderful news!"),
    "anger": ("I hate this mess.", "Stop shouting at me!", "You ruined everything again."),
    "sadness": ("I miss her so much.", "We lost our dog today.", "I feel so alone."),
}


def program(*arguments, env=None, encoding=None):
    """Run the installed program."""
    command = [sys.executable, "-c", "from sentir.cli import main; main()", *map(str, arguments)]
    return subprocess.run(
        command, capture_output=True, text=True, env=os.environ | (env or {}), encoding=encoding
    )


@pytest.fixture(scope="module")
def talk(tmp_path_factory) -> Path:
    """A folder with a small table, its recipe, and a model trained on it."""
    folder = tmp_path_factory.mktemp("talk")
    (folder / "talk.toml").write_text(RECIPE, encoding="utf-8")
    rows = []
    for split, dialogues in (("train", 12), ("dev", 4), ("test", 4)):
        for d in range(dialogues):
            for turn, (label, texts) in enumerate(TEXTS.items()):
                rows.append((f"{split}{d}", split, "AB"[turn % 2], texts[(d + turn) % 3], label))
    with (folder / "talk.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("dialogue", "split", "speaker", "text", "label"))
        writer.writerows(rows)
    homes = {"SENTIR_CACHE_DIR": str(folder / "cache"), "SENTIR_STATE_DIR": str(folder / "state")}
    done = sentir("train", folder / "talk.toml", "--root", folder, "--out", folder / "model", env=homes)
    assert done.returncode == 0, done.stderr
    return folder


def test_help_imports_nothing_heavy_and_every_command_shows_an_example():
    heavy = "{'torch', 'transformers', 'pandas', 'pydantic'}"
    light = f"import sys, sentir.cli.app; print(sorted({heavy} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", light], capture_output=True, text=True).stdout.strip() == "[]"
    commands = typer.main.get_command(app).commands
    groups = [(), ("corpus",), *(("corpus", name) for name in commands["corpus"].commands)]
    for command in [*groups, *((name,) for name in commands)]:
        done = sentir(*command, "--help")
        assert done.returncode == 0 and re.search(r"Example:\s+sentir", done.stdout), command


@pytest.mark.parametrize("language", ["en", "es"])
@pytest.mark.parametrize("group", [(), ("corpus",), ("cache",)])
def test_help_lists_the_commands_without_cutting_a_sentence(group, language):
    done = program(*group, "-h", env={"SENTIR_LANG": language})
    assert done.returncode == 0
    assert not [line for line in done.stdout.splitlines() if line.endswith("...") and "ARGS" not in line]


def test_help_lists_the_commands_in_the_order_of_their_use():
    names = ["demo", "study", "train", "tune", "evaluate", "explain", "compare"]
    names += [
        "predict",
        "embed",
        "timeline",
        "export",
        "push",
        "card",
        "serve",
        "doctor",
        "bench",
        "corpus",
        "cache",
    ]
    assert list(typer.main.get_command(app).commands) == names


def test_help_is_in_spanish_wherever_the_option_stands():
    assert "Ejemplo" in program("--lang", "es", "predict", "--help").stdout
    assert "Ejemplo" in program("predict", "--lang=es", "--help").stdout
    assert "Ejemplo" in program("predict", "--help", env={"SENTIR_LANG": "es"}).stdout
    wrong = sentir("--lang", "fr", "predict", "--help")
    assert wrong.returncode == 2 and "en, es" in wrong.stderr


@pytest.mark.parametrize("command", [(), ("train",), ("corpus",), ("corpus", "audit")])
def test_words_of_the_framework_are_translated_in_help(command, monkeypatch):
    monkeypatch.setattr(usage_errors, "_", lambda message: f"<{message}>")
    done = sentir(*command, "--help")
    assert done.returncode == 0 and done.stdout.startswith("<Usage: >sentir")
    assert "<Options>:" in done.stdout and "<Show this message and exit.>" in done.stdout


def test_the_installed_program_prints_an_error_and_exits_with_2():
    done = program("predict", "nowhere")
    assert (done.returncode, done.stdout) == (2, "") and done.stderr.startswith(
        "Error: There is nothing to predict"
    )


def test_predict_prints_json_with_probabilities_that_sum_to_one(talk):
    done = sentir("predict", talk / "model", "--text", "What a wonderful day!", "--text", "No.", "--json")
    rows = json.loads(done.stdout)
    assert [row["text"] for row in rows] == ["What a wonderful day!", "No."]
    assert set(rows[0]["probabilities"]) == set(TEXTS)
    for row in rows:
        assert sum(row["probabilities"].values()) == pytest.approx(1)
        assert row["labels"] == [max(row["probabilities"], key=row["probabilities"].get)]


def test_predict_reads_a_table_and_writes_one_with_every_row(talk, tmp_path):
    (tmp_path / "mine.csv").write_text('Utterance,who\n"Hello, you",A\n-5,B\n', encoding="utf-8")
    wrong = sentir("predict", talk / "model", tmp_path / "mine.csv")
    assert wrong.returncode == 2 and "--text-column" in wrong.stderr and "Utterance, who" in wrong.stderr
    columns = ("--text-column", "Utterance", "--speaker-column", "who")
    done = sentir("predict", talk / "model", tmp_path / "mine.csv", *columns, "--out", tmp_path / "out.csv")
    assert done.returncode == 0, done.stderr
    assert done.stdout == "" and "out.csv" in done.stderr.replace("\n", "")
    with (tmp_path / "out.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0])[:5] == ["id", "Utterance", "who", "label", "confidence"]
    assert [(row["Utterance"], row["who"]) for row in rows] == [("Hello, you", "A"), ("-5", "B")]
    assert all(row["label"] in TEXTS for row in rows)


@pytest.mark.parametrize(
    "encoding", ["ascii", *(pytest.param(one, marks=pytest.mark.slow) for one in ("latin-1", "cp1252"))]
)
def test_a_character_that_the_terminal_lacks_stops_no_command(encoding):
    arguments = ("predict", "starter", "--text", "hola \U0001f600 ñ")
    env = {"PYTHONIOENCODING": encoding, "SENTIR_LANG": "es"}
    plain, as_json = (program(*arguments, *more, env=env, encoding=encoding) for more in ((), ("--json",)))
    assert plain.returncode == 0 and "hola ?" in plain.stdout and plain.stderr == ""
    assert json.loads(as_json.stdout)[0]["text"] == "hola \U0001f600 ñ" and "\\ud83d" in as_json.stdout
    wrong = program("predict", "starter", "\U0001f600.wav", env=env, encoding=encoding)
    assert wrong.returncode == 2 and wrong.stderr.startswith("Error: ") and "Traceback" not in wrong.stderr


def test_an_empty_text_is_a_problem_of_its_row(talk):
    done = sentir("predict", talk / "model", "--text", "Hi.", "--text", " \u200b", "--text", "", "--json")
    rows = json.loads(done.stdout)
    assert done.returncode == 1 and [row["problem"] for row in rows] == ["", *["The text is empty."] * 2]
    assert [bool(row["labels"]) for row in rows] == [True, False, False]


def test_an_empty_file_name_is_an_error_and_not_the_working_folder(talk):
    done = sentir("predict", talk / "model", "")
    assert done.returncode == 2 and "is empty" in done.stderr


def test_inputs_are_not_overwritten(talk, tmp_path):
    content = "text,emotion\nhello there,joy\n"
    (tmp_path / "mine.csv").write_text(content, encoding="utf-8")
    (tmp_path / "link.csv").symlink_to(tmp_path / "mine.csv")
    for name in ("mine.csv", "link.csv"):
        done = sentir("predict", talk / "model", tmp_path / "mine.csv", "--out", tmp_path / name)
        assert done.returncode == 2 and "another file for --out" in done.stderr
    assert (tmp_path / "mine.csv").read_text(encoding="utf-8") == content


def test_user_text_is_printed_verbatim_except_for_control_characters(talk, tmp_path, monkeypatch):
    row = {"text": "so [bold]glad[/bold] \x1b[31m:smile:", "speaker": "[/b]"}
    (tmp_path / "talk.jsonl").write_text(json.dumps(row), encoding="utf-8")
    monkeypatch.setattr(output.console, "_width", 200)
    done = sentir("predict", talk / "model", tmp_path / "talk.jsonl")
    assert done.returncode == 0, done.stderr
    assert "so [bold]glad[/bold] \ufffd[31m:smile:" in done.stdout and "[/b]" in done.stdout
    assert "\x1b" not in done.stdout


def test_predict_takes_a_conversation_as_one_dialogue(talk, tmp_path):
    lines = [{"text": "I see.", "speaker": "A"}, {"text": "We lost our dog today.", "speaker": "B"}]
    path = tmp_path / "talk.jsonl"
    path.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    together = json.loads(sentir("predict", talk / "model", path, "--json").stdout)
    alone = json.loads(sentir("predict", talk / "model", "--text", "I see.", "--json").stdout)
    assert together[0]["probabilities"] != alone[0]["probabilities"]
    path.write_text('{"text": "fine"}\n{"txt": 1}\n', encoding="utf-8")
    partly = sentir("predict", talk / "model", path, "--json")
    assert partly.returncode == 1 and [bool(row["problem"]) for row in json.loads(partly.stdout)] == [False, True]
    path.write_text('{"text": "fine"}\nfine\n{"text": "fine"}\n', encoding="utf-8")
    partly = sentir("predict", talk / "model", path, "--json")
    problems = [row["problem"] for row in json.loads(partly.stdout)]
    assert partly.returncode == 1 and problems[::2] == ["", ""] and "line 2" in problems[1]
    path.write_text("fine\n", encoding="utf-8")
    wrong = sentir("predict", talk / "model", path)
    assert wrong.returncode == 2 and "line 1" in wrong.stderr


def test_evaluate_needs_a_reason_for_test_and_records_it(talk):
    homes = {"SENTIR_STATE_DIR": str(talk / "ledger")}
    dev = sentir("evaluate", talk / "model", "--root", talk, "--json", env=homes)
    assert json.loads(dev.stdout)[0]["split"] == "dev"
    locked = sentir("evaluate", talk / "model", "--root", talk, "--split", "test", env=homes)
    assert locked.returncode == 2 and "--reason" in locked.stderr
    assert not (talk / "ledger" / "ledger.jsonl").exists()
    for n in (1, 2):
        options = ("--split", "test", "--reason", "a test of the lock", "--json")
        done = sentir("evaluate", talk / "model", "--root", talk, *options, env=homes)
        assert json.loads(done.stdout)[0]["n"] == 12
        assert len((talk / "ledger" / "ledger.jsonl").read_text().splitlines()) == n


def test_compare_prints_a_sentence(talk):
    done = sentir("compare", talk / "model", talk / "model", "--root", talk)
    assert done.returncode == 0, done.stderr
    assert "not significantly different" in " ".join(done.stdout.split())


def test_audit_exits_with_one_when_something_was_lost(tmp_path):
    table = "[data]\nreader='table'\n[data.table]\nfile='t.csv'\ntext='text'\nlabel='label'\nsplit='split'\n"
    (tmp_path / "t.toml").write_text(table, encoding="utf-8")
    rows = "text,label,split\nyes,joy,train\nno,anger,train\nnever,anger,dev\nwell,joy,test\n"
    (tmp_path / "t.csv").write_text(rows, encoding="utf-8")
    assert sentir("corpus", "audit", tmp_path / "t.toml", "--root", tmp_path).returncode == 0
    audited = json.loads(sentir("corpus", "audit", "demo-meld", "--json").stdout)
    assert audited["synthetic"] is True


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("study", "nowhere.toml"), "no recipe"),
        (("corpus", "audit", "mled", "--root", "."), "or meld?"),
        (("corpus", "audit", "meld"), "--root"),
        (("corpus", "audit", "meld", "--root", "nowhere"), "nowhere"),
        (("predict", "nowhere", "--text", "x"), "not a saved recognizer"),
        (("predict", "nowhere"), "nothing to predict"),
        (
            ("predict", "nowhere", "I am happy"),
            "There is no file 'I am happy'; if it is a text, give it with --text.",
        ),
        (("predict", "nowhere", "my clip.wav"), "There is no file my clip.wav."),
        (("predict", "nowhere", "--text", "x", "--out", "a.txt"), "can be written as .csv"),
        (("evaluate", "nowhere"), "not a saved recognizer"),
        (("compare", "nowhere", "nowhere"), "not a saved recognizer"),
    ],
)
def test_an_error_is_one_sentence_and_exit_code_2(arguments, expected, tmp_path):
    done = sentir(*arguments)
    assert done.returncode == 2
    assert expected in done.stderr and done.stderr.startswith("Error: ")
    assert len(done.stderr.strip().splitlines()) == 1


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        ("model.contxt=none", "did you mean 'context'?"),
        ("model.backbone=minilmm", "did you mean minilm?"),
        ("model.backbone=someone/unknown", "model.weights"),
        ("train.lr=-1", "'train.lr'"),
        ("train.lr", "section.key=value"),
        ("data.table.text=txt", "'txt'"),
        ("data.cleaning=['drop_stopword']", "did you mean"),
        ("evaluation.metric=weighted_f", "weighted_f1"),
        ("model.pretrained=false", "pretrained"),
    ],
)
def test_a_bad_setting_is_named_in_one_sentence(talk, tmp_path, override, expected):
    done = sentir("train", talk / "talk.toml", "--root", talk, "--out", tmp_path / "m", "--set", override)
    assert done.returncode == 2, done.stdout
    assert expected in done.stderr and len(done.stderr.strip().splitlines()) == 1


def test_predictions_of_a_model_of_a_synthetic_corpus_are_marked(capsys):
    from sentir.api import Prediction
    from sentir.cli import output

    for synthetic in (True, False):
        output.print_predictions([Prediction("a", "hi", None, ("joy",), {"joy": 1.0}, synthetic)])
        assert ("synthetic" in capsys.readouterr().out) is synthetic


def test_long_clip_names_are_printed_completely(capsys):
    from sentir.api import Prediction
    from sentir.cli import output

    path = "/".join(f"folder{n}" for n in range(20)) + "/clip.mp4"
    output.print_predictions([Prediction(path, None, None, ("joy",), {"joy": 1.0})])
    lines = [line.strip("│┃").split("│")[0].strip() for line in capsys.readouterr().out.splitlines()]
    assert path in "".join(lines)


@pytest.mark.parametrize(
    ("arguments", "english", "spanish"),
    [
        (("trian", "x"), "There is no command trian; did you mean train?", "No existe el comando trian"),
        (("train",), "recipe is missing.", "Falta recipe."),
        (("train", "x.toml"), "--out is missing.", "Falta --out."),
        (("train", "x.toml", "--outt", "y"), "There is no option --outt;", "No existe la opción --outt"),
        (("predict", "--model", "x"), "There is no option --model. See", "No existe la opción --model. Consulte"),
        (("compare", "a"), "b is missing.", "Falta b."),
        (("train", "a", "b", "--out", "c"), "Unexpected argument: b.", "Argumento inesperado: b."),
        (
            ("tune", "x", "--trials", "abc"),
            "--trials must be a whole number.",
            "--trials debe ser un número",
        ),
        (
            ("evaluate", "m", "--split"),
            "The option --split needs a value.",
            "La opción --split necesita un valor.",
        ),
    ],
)
def test_a_usage_error_is_one_sentence_in_both_languages(arguments, english, spanish):
    for code, sentence in (("en", english), ("es", spanish)):
        done = sentir("--lang", code, *arguments)
        assert (done.returncode, done.stdout) == (2, "") and sentence in done.stderr
        assert len(done.stderr.splitlines()) == 1


def test_the_version_is_printed():
    for arguments in (("--version",), ("--lang", "es", "--version")):
        assert sentir(*arguments).stdout == f"sentir {importlib.metadata.version('sentir')}\n"


WITHOUT_INPUT = (
    "train recipes/meld-text.toml --out models/x",
    "train meld-text --out models/x",
    "train demo-meld --out models/x --init-from nowhere",
    "study meld-text",
    "study demo-meld --set data.reader=meld",
    "tune tune-meld-text --root nowhere",
    "evaluate nowhere --root .",
    "compare nowhere nowhere",
    "explain nowhere --text x",
    "predict nowhere --text x",
    "predict nowhere a.wav",
    "predict nowhere happy",
    "corpus audit meld --root nowhere",
    "corpus prepare meld --root nowhere",
    "corpus clean meld --root nowhere",
    "corpus show x --corpus meld --root nowhere",
    "corpus export meld --out x.csv --root nowhere",
)


def test_missing_inputs_are_reported_before_anything_heavy_is_imported(tmp_path):
    code = """
import sys
from sentir.cli import main
for line in sys.argv[1:]:
    sys.argv = ["sentir", *line.split()]
    try:
        main()
    except SystemExit as end:
        print(line, end.code, *sorted({"torch", "transformers", "sklearn", "scipy", "pandas"} & set(sys.modules)))
"""
    command = [sys.executable, "-c", code, *WITHOUT_INPUT]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [f"{line} 2" for line in WITHOUT_INPUT]
    assert len(done.stderr.splitlines()) == len(WITHOUT_INPUT)
