"""What inflates a score, measured: each flaw of `docs/en/inflated-scores.md` is built here, beside the right way.

By default on the synthetic demo corpora; ``--meld``, ``--mosei`` and ``--ravdess`` select real ones instead. No
test split is used: a fifth of train's dialogues is held out in its place. Models are bags of words and small
networks. Prints the table in Markdown.
"""

import argparse
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from flaws import audio, label_leakage, pooling, preprocessing, rows, selection, splits
from flaws.held_out import Finding, HeldOutCorpus

from sentir.readers import read_corpus
from sentir.recipe import Recipe

Flaw = Callable[[HeldOutCorpus], Iterator[Finding]]
TEXT_FLAWS: tuple[Flaw, ...] = (
    label_leakage.gold_emotion,
    label_leakage.target_columns,
    label_leakage.stacking_in_sample,
    splits.random_split,
    splits.augmentation_before_split,
    selection.best_of_many_on_test,
    selection.thresholds_on_test,
    selection.last_epoch_weights,
    rows.cleaning_drops,
    rows.ids_without_split,
    rows.missing_files,
    rows.shuffled_predictions,
    preprocessing.scaler_on_all_splits,
    preprocessing.vocabulary_on_all_splits,
    preprocessing.shifted_columns,
    preprocessing.raw_logits,
    pooling.pooled_padding,
)
AUDIO_FLAWS: tuple[Flaw, ...] = (audio.actors_split, audio.scaled_splits, audio.loud_masks)
RAVDESS = Path(__file__).parents[1] / "recipes" / "ravdess.toml"
HEADER = ("flaw", "measured on", "correct", "reported", "difference, points", "true score")


def measure_all(given: argparse.Namespace) -> Iterator[Finding]:
    """Measure every flaw on the given corpora, by default on the demo corpora."""
    real = {"meld": given.meld, "mosei": given.mosei}
    roots = {name: root for name, root in real.items() if root}
    if not roots and not given.ravdess:
        roots = {"demo-meld": None, "demo-mosei": None}
    for reader, root in roots.items():
        recipe = Recipe.parse({"name": "inflated-scores", "data": {"reader": reader}})
        yield from measure(TEXT_FLAWS, HeldOutCorpus.hold_out(read_corpus(recipe.data, root), quick=given.quick))
    if given.ravdess:
        corpus = read_corpus(Recipe.load(RAVDESS).data, given.ravdess)
        yield from measure(AUDIO_FLAWS, HeldOutCorpus.hold_out(audio.group_by_speaker(corpus), quick=given.quick))


def measure(flaws: Iterable[Flaw], data: HeldOutCorpus) -> Iterator[Finding]:
    """Measure the flaws that apply to a corpus."""
    for flaw in flaws:
        yield from flaw(data)


def format_row(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--meld", type=Path, metavar="FOLDER", help="use the texts of MELD in this folder")
    parser.add_argument("--mosei", type=Path, metavar="FOLDER", help="use the texts of CMU-MOSEI in this folder")
    parser.add_argument("--ravdess", type=Path, metavar="FOLDER", help="use the audio of RAVDESS in this folder")
    parser.add_argument("--quick", action="store_true", help="at most 1,500 utterances of train, no repeats")
    given = parser.parse_args()
    print(format_row(HEADER) + "\n|---|---|--:|--:|--:|--:|")
    for finding in measure_all(given):
        print(format_row(finding.cells()), flush=True)


if __name__ == "__main__":
    main()
