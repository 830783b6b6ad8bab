"""The cold start of a prediction: a new process that loads a saved model and predicts one text or one clip.

Against what it cannot do without, a process that only imports timm, or the encoder's class of transformers, and
for text against a pipeline of transformers. Also how long it takes to refuse a wrong argument. Times are those of
whole processes.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import wave
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import predict_audio
import predict_text
from ratios import Row, alternate, pin_to_one_core, print_rows

TEXT = "What a day!"
FIRST = "from sentir import torchvision_operators\n"  # where torchvision is of another build of torch
SCRIPTS = {
    "text": {
        "imports of transformers": f"{FIRST}from transformers import BertModel, BertTokenizer",
        "pipeline of transformers": f"{FIRST}from transformers import pipeline\n"
        "import sys; pipeline('text-classification', sys.argv[1], device='cpu')(sys.argv[2])",
        "Sentir": "import sentir, sys; sentir.predict(sys.argv[1], sys.argv[2])",
        "Sentir, wrong argument": "import sentir, sys\ntry: sentir.predict(sys.argv[1], 5)\n"
        "except sentir.SentirError: pass",
    },
    "audio": {
        "imports of timm": f"{FIRST}import timm",
        "Sentir": "import sentir, sys, pathlib; sentir.predict(sys.argv[1], pathlib.Path(sys.argv[2]))",
        "Sentir, wrong argument": "import sentir, sys, pathlib\n"
        "try: sentir.predict(sys.argv[1], pathlib.Path('none.wav'))\n"
        "except sentir.SentirError: pass",
    },
}


def run(script: str, model: Path, item: str) -> None:
    command = [sys.executable, "-c", script, str(model), item]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def save_models(folder: Path) -> dict[str, tuple[Path, Path, str]]:
    """Save models and return what is predicted → our model, the pipeline's, and the input."""
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    from sentir.models.text_backbones import get_text_backbone

    weights = get_text_backbone("minilm").resolve_weights().location
    AutoModelForSequenceClassification.from_pretrained(weights).save_pretrained(folder / "pipeline")
    AutoTokenizer.from_pretrained(weights).save_pretrained(folder / "pipeline")
    predict_text.make_recognizer("finetune").save_pretrained(folder / "text")
    clip = folder / "clip.wav"
    with wave.open(str(clip), "wb") as file:
        file.setparams((1, 2, 16_000, 0, "NONE", ""))
        file.writeframes(bytes(range(256)) * 250)
    predict_audio.make_recognizer([clip] * 8, ()).save_pretrained(folder / "audio")
    return {
        "text": (folder / "text", folder / "pipeline", TEXT),
        "audio": (folder / "audio", folder / "audio", str(clip)),
    }


def rows(rounds: int) -> Iterator[Row]:
    with tempfile.TemporaryDirectory() as temporary:
        os.environ["SENTIR_AUDIO_DIR"] = f"{temporary}/store"
        models = save_models(Path(temporary))
        for kind, scripts in SCRIPTS.items():
            ours, pipeline, item = models[kind]
            works = {
                name: partial(run, script, pipeline if "pipeline" in name else ours, item)
                for name, script in scripts.items()
            }
            times = alternate(works, rounds, warm_up=False)
            for peer in scripts:
                if not peer.startswith("Sentir"):
                    yield times.row(f"cold start, {kind}", peer, "Sentir", "at most 2.5 s")
            yield times.row(f"cold start, {kind}", "Sentir", "Sentir, wrong argument")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    pin_to_one_core()
    print_rows(rows(given.rounds))


if __name__ == "__main__":
    main()
