"""The runtime: what ``pip install sentir`` alone must do, and Python run as if the extras were not installed."""

import subprocess
import sys
from pathlib import Path

from audio_files import voice, write_mp4, write_wav

from sentir.optional_dependencies import EXTRAS

_OF_THE_HUB = {"fsspec"}  # an extra names it, and huggingface_hub brings it
LABORATORY = sorted(
    {*(name for names in EXTRAS.values() for name in names), "librosa", "torchvision"} - _OF_THE_HUB
)
"""Modules that the runtime cannot import."""
PACKAGES = {
    "api", "array_files", "atomic_folders", "audio", "audit", "cli", "context_variables", "corpus", "demo",
    "display_names", "documents", "download", "errors", "evaluation", "features", "file_locks", "files",
    "i18n", "io", "logs", "optional_dependencies", "paths", "plugins", "preflight", "preprocessing",
    "process_group", "progress", "readers", "recipe", "registry", "repr_mixin", "runtime", "safe_text",
    "table_inspection", "worker_processes",
}  # fmt: skip
"""Packages of Sentir whose modules import nothing else."""
MODULES = {
    "bench": {"machine", "mel_speed", "results", "runner", "starter", "timing"},
    "models": {
        "audio_backbones", "bertweet", "config_checks", "kinds", "loading", "packaged_checkpoints",
        "pretrained_tokenizer", "speech_backbones", "speech_features", "text_backbones", "timm_weights",
        "tokenization", "tokenizer_files", "tokenizer_loading", "weights",
    },
    "recognizer": {
        "backend", "card", "card_export", "card_scores", "hub", "inference", "input_items", "input_tables",
        "inputs", "modalities", "needed_plugins", "onnx_loading", "predicting", "prediction_mixin",
        "prediction_tables", "recognizer", "saved_facts", "saved_files", "shared_embeddings", "tasks", "versions",
    },
    "study": {"baseline_model", "ensemble", "saved_ensemble"},
}  # fmt: skip
"""Package → those of its modules that import nothing else."""
_FORBID = f"import sys\nsys.modules.update(dict.fromkeys({LABORATORY!r}))\n"


def imports_only_the_runtime(module: str) -> bool:
    """Return whether a module, ``sentir.package.module``, must be imported without the extras."""
    _sentir, package, name = [*module.split("."), "", ""][:3]
    return package in PACKAGES or name in MODULES.get(package, ())


def run_without_laboratory(code: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    """Run code in a process of its own, where ``import torch`` and the like fail."""
    command = [sys.executable, "-c", _FORBID + code, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def run_command_without_laboratory(*arguments: object) -> subprocess.CompletedProcess[str]:
    """Run the command line, ``sentir`` and arguments, in such a process."""
    return run_without_laboratory("from sentir.cli import main\nmain()", *arguments)


def write_inputs(folder: Path) -> Path:
    """Write the tables, the chat and the clips that `READ_AND_MEASURE` reads; returns the folder."""
    (folder / "table.csv").write_text("id,text,audio\nrow,hello,clip.wav\n", encoding="utf-8")
    (folder / "table.tsv").write_text("text\taudio\nhello\tclip.wav\nbye\t\n", encoding="utf-8")
    chat = '{"text": "hello", "speaker": "A"}\n{"text": "bye", "speaker": "B"}\n'
    (folder / "chat.jsonl").write_text(chat, encoding="utf-8")
    write_wav(folder / "clip.wav", voice(1.0), 16_000)
    write_mp4(folder / "clip.mp4", voice(1.0, 48_000), 48_000)
    return folder


READ_AND_MEASURE = r"""
import sys
from pathlib import Path
import numpy as np
import sentir
from sentir.audio.decoding import decode
from sentir.audio.descriptors import extract_descriptors
from sentir.audio.store import attach_audio
from sentir.audio.thesis_mel import compute_thesis_mel
from sentir.corpus.cleaning import THESIS_CLEANING
from sentir.corpus.utterances import Clip, Utterance
from sentir.features import compute_features
from sentir.recognizer.inputs import make_inputs

folder = Path(sys.argv[1])
files = ("table.csv", "table.tsv", "chat.jsonl", "clip.mp4")
inputs = make_inputs(["hi", *(folder / name for name in files)]).rows
assert [one.problem for one in inputs] == [""] * 7, inputs
assert [one.utterance.turn for one in inputs if one.table.endswith("chat.jsonl")] == [0, 1]
spoken = attach_audio([one.utterance for one in inputs if one.utterance.clip])
assert len(spoken) == 3 and all(u.audio.mel.shape == (101, 64) for u in spoken), spoken
features = compute_features(["lexical", "dialogue", "thesis", "functionals"], spoken)
acoustic = [name.startswith(("thesis", "functionals")) for name in features.names]
assert sum(acoustic) == 202 and np.isfinite(features.values[:, acoustic]).all()
lexical = compute_features(["lexical"], [Utterance("a", text="What a WONDERFUL day!")])
assert dict(zip(lexical.names, lexical.values[0]))["lexical.polarity"] > 0.5
waveform = decode(Clip(folder / "clip.mp4")).waveform
mel, descriptors = extract_descriptors(waveform)
assert len(mel) == 101 and np.isfinite(list(descriptors.values())).all()
assert compute_thesis_mel(waveform).shape == (224, 224)
assert sentir.clean_text("It is the FINE thing!", THESIS_CLEANING) == "fine thing"
assert len(sentir.export_corpus("demo-meld", folder / "demo.csv").utterances) > 100
rows = [sentir.Prediction("a", "hi", None, ("joy",), {"joy": 0.9, "anger": 0.1}, confidence=0.9)]
for name in ("out.csv", "out.tsv", "out.jsonl"):
    sentir.write_predictions(rows, folder / name)
    assert "joy" in (folder / name).read_text()
"""
"""Everything of a prediction but the network, on the folder of `write_inputs`."""

PREDICT = r"""
import json
import sys
from pathlib import Path
import numpy as np
import sentir

model, folder = sentir.load(sys.argv[1]), Path(sys.argv[2])
waveform = np.sin(np.arange(16_000) / 20).astype(np.float32)
given = [
    "I am happy.",
    folder / "clip.wav",
    folder / "clip.mp4",
    {"text": "Leave me alone!", "audio": folder / "clip.wav", "id": "both"},
    {"audio": waveform, "sampling_rate": 16_000, "id": "array"},
    *({"text": text, "dialogue": "talk", "speaker": who} for who, text in (("A", "Hi!"), ("B", "Oh no!"))),
    folder / "table.csv",
    folder / "chat.jsonl",
]
rows = model.predict(given)
assert "torch" not in {name for name, module in sys.modules.items() if module}
assert isinstance(model, sentir.Recognizer)
assert sentir.predict(sys.argv[1], given[3]).labels == rows[3].labels
print(json.dumps([[row.id, row.problem, row.probabilities] for row in rows]))
"""
"""Predict texts, clips, both, an array, a dialogue, a table and a chat in the folder of `write_inputs`."""
