"""The speed of fine-tuning on text, against the thesis' loop and a default Hugging Face `Trainer`.

All three train the same network (MiniLM and a head) with AdamW on the same utterances. The thesis' loop pads
every utterance to the maximum length, the default `Trainer` each random batch to its longest, and in both the
encoder processes this padding, as those of transformers do; Sentir's leaves most of it out on a CPU. Also
an epoch on cached frozen embeddings against a fine-tuned one, and encoding against loading from the cache.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from unittest.mock import patch

import torch

from sentir.bench.timing import Row, Times, alternate, measure, pin_to_one_core, print_rows
from sentir.corpus.corpus import Corpus
from sentir.models import text_encoder
from sentir.models.device import to_tensors
from sentir.preprocessing.preprocessor import ModelInputs, Preprocessor
from sentir.readers import read_corpus
from sentir.recipe import Recipe
from sentir.recognizer.encoders import Encoders
from sentir.training.losses import encode_targets, recipe_loss
from sentir.training.trainer import train_model

MAX_LENGTH, BATCH = 128, 32
FROZEN = {"model": {"encoder": "frozen"}}
RECIPE = Recipe.parse(
    {
        "name": "training",
        "data": {"reader": "meld"},
        "model": {"encoder": "finetune", "max_length": MAX_LENGTH},
        "train": {"epochs": 1, "batch_size": BATCH, "group_by_length": True},
    }
)
plain_encoder = patch.object(text_encoder, "_CPU_BATCH_SIZE", BATCH)  # one batch, with its padding


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
        """Return the inputs and labels of some rows."""
        arrays = self.inputs.batch(rows)
        used = {name: arrays[name] for name in self.model.input_names if name in arrays}  # type: ignore[union-attr]
        return to_tensors(used) | {"labels": self.targets[rows]}

    def train_sentir(self) -> None:
        """Train as Sentir does."""
        settings, loss = self.recipe.train, self.loss
        train_model(self.model, self.inputs, self.targets, settings=settings, loss=loss, dev_score=lambda: 0.0)

    @plain_encoder
    def train_thesis(self) -> None:
        """Train as the thesis did, with tokens padded to the maximum length."""
        optimizer = torch.optim.AdamW(self.model.parameters(), lr=3e-5)
        for rows in torch.randperm(len(self.targets)).split(BATCH):
            batch = {name: self._pad(tensor) for name, tensor in self.batch(rows.tolist()).items()}
            labels = batch.pop("labels")
            self.model.train()
            optimizer.zero_grad()
            self.loss(self.model(**batch), labels).backward()
            optimizer.step()

    @staticmethod
    def _pad(tensor: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.pad(tensor, (0, MAX_LENGTH - tensor.shape[1])) if tensor.ndim == 2 else tensor

    @plain_encoder
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
                train_dataset=list(range(len(self.targets))),
                compute_loss_func=self.loss,
            )
            trainer.model_accepts_loss_kwargs = False
            trainer.remove_callback(PrinterCallback)
            trainer.train()


def frozen_epoch_seconds(corpus: Corpus, n: int, epochs: int) -> float:
    """Return the seconds of an epoch after the first: a long training less a short one."""
    recipe = RECIPE.override(FROZEN | {"train": {"group_by_length": False, "patience": epochs}})
    short, long = (Setup(corpus, recipe.override({"train": {"epochs": k}}), n) for k in (1, epochs))
    return (measure(long.train_sentir) - measure(short.train_sentir)) / (epochs - 1)


def time_frozen(corpus: Corpus, n: int) -> Times:
    """Return the seconds of encoding for the first time, and of loading the embeddings from the cache."""
    recipe = RECIPE.override(FROZEN)
    encoders = Encoders.load(recipe.model)
    preprocessor = Preprocessor.fit(recipe.data, recipe.model, corpus.train[:n], **encoders.processors())
    inputs = preprocessor.transform(corpus.train[:n])
    embed = partial(encoders.embed, inputs)
    return Times({name: [measure(embed)] for name in ("encoding", "loading from the cache")})


def rows(root: Path | None = None, n: int = 256, rounds: int = 3) -> Iterator[Row]:
    """Yield the table, of MELD or of the synthetic corpus."""
    corpus = read_corpus(RECIPE.data.model_copy(update={} if root else {"reader": "demo-meld"}), root)
    with tempfile.TemporaryDirectory() as cache, patch.dict(os.environ, SENTIR_CACHE_DIR=cache):
        yield from compare_trainings(corpus, min(n, len(corpus.train)), rounds)


def compare_trainings(corpus: Corpus, n: int, rounds: int) -> Iterator[Row]:
    """Yield the lines of a corpus."""
    works = {
        "thesis' loop": Setup.train_thesis,
        "default Trainer": Setup.train_default,
        "Sentir": Setup.train_sentir,
    }
    prepared = {name: lambda work=work: partial(work, Setup(corpus, RECIPE, n)) for name, work in works.items()}
    times = alternate(prepared, rounds, warm_up=False, timer=lambda prepare: measure(prepare()))
    what = f"fine-tuning on {n} texts"
    yield times.row(what, "thesis' loop", "Sentir", "8.3 on MELD")
    yield times.row(what, "default Trainer", "Sentir", "2.3 on MELD")
    encoding = time_frozen(corpus, n)
    yield encoding.row(f"embeddings of {n} texts", "encoding", "loading from the cache")
    epochs = Times({"fine-tuned": [times.seconds("Sentir")], "frozen": [frozen_epoch_seconds(corpus, n, 21)]})
    yield epochs.row(f"an epoch on {n} texts", "fine-tuned", "frozen", "109 on MELD")


def main() -> None:
    """Print the table for a folder of MELD."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("root", type=Path, nargs="?", help="folder of MELD; default: the synthetic corpus")
    parser.add_argument("--utterances", type=int, default=256)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    pin_to_one_core()
    print_rows(rows(given.root, given.utterances, given.rounds))


if __name__ == "__main__":
    main()
