"""What each way of joining text and audio is worth, on dev of the artificial pairing of ``pairing.py``.

Words and voice are independent given the emotion there, which no real conversation grants, so this says which
fusion makes more of two independent witnesses, and nothing of real speech. The pairing's test is not opened. What
is trained already is not trained again.
"""

from pathlib import Path

from pairing import CANDIDATES, METRIC, RECIPE, ask

from sentir.evaluation.locked.ledger import get_labels
from sentir.evaluation.scoring import write_results
from sentir.models.fusion import FUSIONS
from sentir.recipe import Recipe, merge_settings
from sentir.study.candidates import train_candidate
from sentir.study.plan import plan_candidates
from sentir.study.scorer import Scorer
from sentir.study.stages import Stages

DEFAULT_FUSION = "gated"


def main() -> None:
    given, corpus = ask(__doc__.split("\n")[0], Path("runs/fusion"))
    hybrid = CANDIDATES["hybrid"]
    candidates = {name: merge_settings(hybrid, {"model": {"fusion": name}}) for name in FUSIONS}
    alone = {name: CANDIDATES[name] for name in ("text alone", "sound alone")}
    recipe = Recipe.parse({**RECIPE, "study": {"candidates": alone | candidates, "seeds": given.seeds}})
    stages = Stages(given.out / "stages")
    entrants = {c.name: train_candidate(stages, corpus, c) for c in plan_candidates(recipe)["emotion"]}
    dev = Scorer(corpus, "dev", get_labels(corpus, "dev"), recipe.evaluation)
    pairs = [(entrants[name], entrants[DEFAULT_FUSION]) for name in FUSIONS if name != DEFAULT_FUSION]
    comparisons = dev.compare(pairs, METRIC)
    scores = [dev.score(entrant, entrant.role) for entrant in entrants.values()]
    write_results(given.out / "results.json", scores, comparisons)
    print(f"\nARTIFICIAL PAIRING, dev: {METRIC}, 95 % intervals over {comparisons[0].num_clusters} dialogues")
    for row in scores:
        value = row.metrics[METRIC]
        print(f"{row.model:20}{value.value:7.3f} ± {value.sd or 0:.3f} [{value.low:.3f}, {value.high:.3f}]")
    for comparison in comparisons:
        print(f"  {comparison.sentence()}")


if __name__ == "__main__":
    main()
