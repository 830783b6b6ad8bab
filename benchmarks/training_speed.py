"""The speed of fine-tuning on text, against the thesis' loop and a default Hugging Face `Trainer`.

All three train the same network (MiniLM and a head) with AdamW on the same utterances, on one thread. The thesis'
loop pads every utterance to the maximum length, the default `Trainer` pads each random batch to its longest. Also
an epoch on cached frozen embeddings against a fine-tuned one. Times are CPU times, so that other load does not
count. Prints ratios measured in this run.
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch.utils.data import DataLoader

from sentir.corpus.corpus import Corpus
from sentir.preprocessing.preprocessor import ModelInputs, Preprocessor
from sentir.readers import read_corpus
from sentir.recipe import Recipe
from sentir.recognizer.encoders import Encoders
from sentir.training.losses import encode_targets, recipe_loss
from sentir.training.trainer import train_model

MAX_LENGTH, BATCH = 128, 32
RECIPE = Recipe.parse(
    {
        "name": "training",
        "data": {"reader": "meld"},
        "model": {"encoder": "finetune", "max_length": MAX_LENGTH},
        "train": {"epochs": 1, "batch_size": BATCH, "group_by_length": True},
    }
)


def measure_cpu_seconds(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


class Setup:
    """A new network and N preprocessed utterances of train."""

    def __init__(self, corpus: Corpus, recipe: Recipe, n: int) -> None:
        utterances, self.recipe = corpus.train[:n], recipe
        self.space = corpus.label_space("emotion")
        encoders = Encoders.load(recipe.model)
        preprocessor = Preprocessor.fit(recipe.data, recipe.model, utterances, **encoders.processors())
        self.model = encoders.build_network(preprocessor, self.space)
        self.inputs: ModelInputs = encoders.embed(preprocessor.transform(utterances))
        self.targets = encode_targets(self.space, [u.labels["emotion"] for u in utterances])
        self.loss = recipe_loss(self.space, self.targets, recipe.train)

    def batch(self, rows: list[int]) -> dict[str, torch.Tensor]:
        tensors = self.inputs.batch(rows)
        return {name: tensors[name] for name in self.model.input_names if name in tensors} | {
            "labels": self.targets[rows]
        }

    def train_sentir(self) -> None:
        settings, loss = self.recipe.train, self.loss
        train_model(self.model, self.inputs, self.targets, settings=settings, loss=loss, dev_score=lambda: 0.0)

    def train_thesis(self) -> None:
        """Train as the thesis did, with tokens padded to the maximum length."""
        optimizer = torch.optim.AdamW(self.model.parameters(), lr=3e-5)
        for rows in DataLoader(range(len(self.targets)), BATCH, shuffle=True, collate_fn=list):
            batch = {name: self._pad(tensor) for name, tensor in self.batch(rows).items()}
            labels = batch.pop("labels")
            self.model.train()
            optimizer.zero_grad()
            self.loss(self.model(**batch), labels).backward()
            optimizer.step()

    @staticmethod
    def _pad(tensor: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.pad(tensor, (0, MAX_LENGTH - tensor.shape[1])) if tensor.ndim == 2 else tensor

    def train_default(self) -> None:
        """Train with a `Trainer` with default settings."""
        from transformers import PrinterCallback, Trainer, TrainingArguments

        with tempfile.TemporaryDirectory() as folder:
            arguments = TrainingArguments(
                folder, num_train_epochs=1, per_device_train_batch_size=BATCH, use_cpu=True, report_to="none",
                disable_tqdm=True, save_strategy="no", remove_unused_columns=False,
            )  # fmt: skip
            trainer = Trainer(
                self.model,
                arguments,
                data_collator=self.batch,
                train_dataset=range(len(self.targets)),
                compute_loss_func=self.loss,
            )
            trainer.model_accepts_loss_kwargs = False
            trainer.remove_callback(PrinterCallback)
            trainer.train()


def frozen_epoch_seconds(corpus: Corpus, n: int, epochs: int) -> float:
    """Return the seconds of an epoch after the first: a long training less a short one."""
    recipe = RECIPE.override(
        {"model": {"encoder": "frozen"}, "train": {"group_by_length": False, "patience": epochs}}
    )
    short, long = (Setup(corpus, recipe.override({"train": {"epochs": k}}), n) for k in (1, epochs))
    return (measure_cpu_seconds(long.train_sentir) - measure_cpu_seconds(short.train_sentir)) / (epochs - 1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("root", type=Path, nargs="?", help="folder of MELD; default: the synthetic corpus")
    parser.add_argument("--utterances", type=int, default=1024)
    given = parser.parse_args()
    torch.set_num_threads(1)
    data = RECIPE.data.model_copy(update={} if given.root else {"reader": "demo-meld"})
    corpus = read_corpus(data, given.root)
    n = min(given.utterances, len(corpus.train))
    rates = {}
    for name, work, count in (
        ("Sentir", Setup.train_sentir, n),
        ("default", Setup.train_default, n),
        ("thesis", Setup.train_thesis, n // 4),
    ):
        setup = Setup(corpus, RECIPE, count)
        rates[name] = count / measure_cpu_seconds(lambda work=work, setup=setup: work(setup))
        print(f"{name}: {rates[name]:.1f} utterances per second on one thread", flush=True)
    print(f"Sentir is {rates['Sentir'] / rates['thesis']:.1f} times as fast as the thesis' loop,")
    print(f"{rates['Sentir'] / rates['default']:.2f} times as fast as a default Trainer")
    frozen = frozen_epoch_seconds(corpus, n, 21)
    tuned = n / rates["Sentir"]
    print(f"an epoch of {n}: fine-tuned {tuned:.1f} s, frozen {frozen:.2f} s: {tuned / frozen:.0f} times")


if __name__ == "__main__":
    main()
