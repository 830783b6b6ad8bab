"""What flatters a score, measured: each flaw of `docs/honest.md` is built here on purpose, beside the right way.

Without options on the synthetic demo corpora; ``--meld``, ``--mosei`` and ``--ravdess`` add real ones. The test
split of no corpus is opened: a fifth of train's dialogues is held out and stands for it. Models are bags of words
and small networks. Prints the table in Markdown.
"""

import argparse
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from flaws import audio, label_leakage, pooling, preprocessing, rows, selection, splits
from flaws.held_out import Finding, Ground

from sentir.readers import read_corpus
from sentir.recipe import Recipe

Flaw = Callable[[Ground], Iterator[Finding]]
TEXT_FLAWS: tuple[Flaw, ...] = (
    label_leakage.gold_emotion,
    label_leakage.target_columns,
    label_leakage.stacking,
    splits.random_split,
    splits.copies_first,
    selection.of_twenty,
    selection.thresholds,
    selection.last_epoch,
    rows.cleaning_drops,
    rows.ids_without_split,
    rows.missing_files,
    rows.by_position,
    preprocessing.scaling,
    preprocessing.vocabulary,
    preprocessing.shifted_columns,
    preprocessing.raw_logits,
    pooling.pooled_padding,
)
AUDIO_FLAWS: tuple[Flaw, ...] = (audio.actors_split, audio.scaled_splits, audio.loud_masks)
RAVDESS = Path(__file__).parents[1] / "recipes" / "ravdess.toml"
HEADER = ("flaw", "measured on", "right", "as told", "difference, points", "worth")


def measure_all(given: argparse.Namespace) -> Iterator[Finding]:
    """Measure everything on the corpora that were asked for; on those of the demo if none was."""
    real = {"meld": given.meld, "mosei": given.mosei}
    wanted = {name: root for name, root in real.items() if root}
    if not wanted and not given.ravdess:
        wanted = {"demo-meld": None, "demo-mosei": None}
    for reader, root in wanted.items():
        recipe = Recipe.parse({"name": "honest", "data": {"reader": reader}})
        yield from measure(TEXT_FLAWS, Ground.cut(read_corpus(recipe.data, root), quick=given.quick))
    if given.ravdess:
        corpus = read_corpus(Recipe.load(RAVDESS).data, given.ravdess)
        yield from measure(AUDIO_FLAWS, Ground.cut(audio.of_speakers(corpus), quick=given.quick))


def measure(flaws: Iterable[Flaw], ground: Ground) -> Iterator[Finding]:
    """Measure every flaw that a corpus can show."""
    for flaw in flaws:
        yield from flaw(ground)


def format_row(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--meld", type=Path, metavar="FOLDER", help="on the texts of MELD, which lies there")
    parser.add_argument(
        "--mosei", type=Path, metavar="FOLDER", help="on the texts of CMU-MOSEI, which lies there"
    )
    parser.add_argument(
        "--ravdess", type=Path, metavar="FOLDER", help="on the sound of RAVDESS, which lies there"
    )
    parser.add_argument("--quick", action="store_true", help="1,500 utterances of train at most, everything once")
    given = parser.parse_args()
    print(format_row(HEADER) + "\n|---|---|--:|--:|--:|--:|")
    for finding in measure_all(given):
        print(format_row(finding.cells()), flush=True)


if __name__ == "__main__":
    main()
