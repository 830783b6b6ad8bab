"""The cold start of a prediction: a new process that loads a saved model and predicts one text or one clip.

A trained model is compared with what it cannot do without, a process that only imports timm, or the encoder's
class of transformers, and for text with a pipeline of transformers; an exported model, which imports neither,
with the trained one and the pipeline. Also how long it takes to refuse a wrong argument. Times are those of
whole processes.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
import wave
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from sentir import Recognizer
from sentir.api import export_model
from sentir.bench import predict_audio, predict_text
from sentir.bench.timing import Row, alternate, measure

ROUNDS = 5
TEXT = "What a day!"
FIRST = "from sentir import torchvision_operators\n"  # where torchvision is of another build of torch
TEXT_SCRIPT = "import sentir, sys; sentir.predict(sys.argv[1], sys.argv[2])"
AUDIO_SCRIPT = "import sentir, sys, pathlib; sentir.predict(sys.argv[1], pathlib.Path(sys.argv[2]))"
SCRIPTS = {
    "text": {
        "imports of transformers": f"{FIRST}from transformers import BertModel, BertTokenizer",
        "pipeline of transformers": f"{FIRST}from transformers import pipeline\n"
        "import sys; pipeline('text-classification', sys.argv[1], device='cpu')(sys.argv[2])",
        "Sentir": TEXT_SCRIPT,
        "Sentir, exported": TEXT_SCRIPT,
        "Sentir, wrong argument": "import sentir, sys\ntry: sentir.predict(sys.argv[1], 5)\n"
        "except sentir.SentirError: pass",
    },
    "audio": {
        "imports of timm": f"{FIRST}import timm",
        "Sentir": AUDIO_SCRIPT,
        "Sentir, exported": AUDIO_SCRIPT,
        "Sentir, wrong argument": "import sentir, sys, pathlib\n"
        "try: sentir.predict(sys.argv[1], pathlib.Path('none.wav'))\n"
        "except sentir.SentirError: pass",
    },
}


def wall_time(work: Callable[[], object]) -> float:
    """Return the seconds that it takes: on Windows, processes that have ended count no CPU time."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def run(script: str, model: Path, item: str) -> None:
    """Run a script with a model and an input."""
    command = [sys.executable, "-c", script, str(model), item]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def save_models(folder: Path) -> dict[str, tuple[Path, str]]:
    """Save models, each with an exported one, and return what is predicted → our model and the input."""
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    from sentir.models.text_backbones import get_text_backbone

    weights = get_text_backbone("minilm").resolve_weights().location
    AutoModelForSequenceClassification.from_pretrained(weights).save_pretrained(folder / "pipeline")
    AutoTokenizer.from_pretrained(weights).save_pretrained(folder / "pipeline")
    save(predict_text.make_recognizer("finetune"), folder / "text")
    clip = folder / "clip.wav"
    with wave.open(str(clip), "wb") as file:
        file.setparams((1, 2, 16_000, 0, "NONE", ""))
        file.writeframes(bytes(range(256)) * 250)
    save(predict_audio.make_recognizer([clip] * 8, ()), folder / "audio")
    return {"text": (folder / "text", TEXT), "audio": (folder / "audio", str(clip))}


def save(recognizer: Recognizer, folder: Path) -> None:
    """Save a recognizer, and beside it the exported one."""
    recognizer.save_pretrained(folder)
    export_model(recognizer, exported_folder(folder))


def exported_folder(folder: Path) -> Path:
    """Return where the exported model of a folder is."""
    return folder.with_name(f"{folder.name}-onnx")


def rows() -> Iterator[Row]:
    """Yield the table."""
    timer = wall_time if sys.platform == "win32" else measure
    with tempfile.TemporaryDirectory() as temporary:
        os.environ["SENTIR_AUDIO_DIR"] = f"{temporary}/store"
        models = save_models(Path(temporary))
        for kind, scripts in SCRIPTS.items():
            ours, item = models[kind]
            pipeline = ours.with_name("pipeline")
            folders = {"Sentir, exported": exported_folder(ours), "pipeline of transformers": pipeline}
            works = {
                name: partial(run, script, folders.get(name, ours), item) for name, script in scripts.items()
            }
            times, what = alternate(works, ROUNDS, warm_up=False, timer=timer), f"cold start, {kind}"
            for peer in (name for name in scripts if not name.startswith("Sentir")):
                yield times.row(what, peer, "Sentir", "at most 2.5 s")
                if "pipeline" in peer:
                    yield times.row(what, peer, "Sentir, exported", "at least 4")
            yield times.row(what, "Sentir", "Sentir, exported", "at most 1.0 s")
            yield times.row(what, "Sentir", "Sentir, wrong argument")
