"""What each way of joining text and sound is worth, on dev of the artificial pairing of ``pairing.py``.

Words and voice are independent given the emotion there, which no real conversation grants, so this says which
fusion makes more of two independent witnesses, and nothing of real speech. The pairing's test is not opened. What
is trained already is not trained again.
"""

from pathlib import Path

from pairing import CANDIDATES, METRIC, RECIPE, ask

from sentir.evaluation.locked.ledger import labels_of
from sentir.evaluation.scoring import write_results
from sentir.models.fusion import FUSIONS
from sentir.recipe import Recipe, merge
from sentir.study.candidates import enter_candidate
from sentir.study.plan import plan
from sentir.study.scorer import Judge
from sentir.study.stages import Stages

USUAL = "gated"


def main() -> None:
    given, corpus = ask(__doc__.split("\n")[0], Path("runs/fusion"))
    hybrid = CANDIDATES["hybrid"]
    candidates = {name: merge(hybrid, {"model": {"fusion": name}}) for name in FUSIONS}
    alone = {name: CANDIDATES[name] for name in ("text alone", "sound alone")}
    recipe = Recipe.parse({**RECIPE, "study": {"candidates": alone | candidates, "seeds": given.seeds}})
    stages = Stages(given.out / "stages")
    entrants = {c.name: enter_candidate(stages, corpus, c) for c in plan(recipe)["emotion"]}
    dev = Judge(corpus, "dev", labels_of(corpus, "dev"), recipe.evaluation)
    pairs = [(entrants[name], entrants[USUAL]) for name in FUSIONS if name != USUAL]
    comparisons = dev.compare(pairs, METRIC)
    scores = [dev.score(entrant, entrant.role) for entrant in entrants.values()]
    write_results(given.out / "results.json", scores, comparisons)
    print(f"\nARTIFICIAL PAIRING, dev: {METRIC}, 95 % intervals over {comparisons[0].dialogues} dialogues")
    for row in scores:
        value = row.metrics[METRIC]
        print(f"{row.model:20}{value.value:7.3f} ± {value.sd or 0:.3f} [{value.low:.3f}, {value.high:.3f}]")
    for comparison in comparisons:
        print(f"  {comparison.sentence()}")


if __name__ == "__main__":
    main()
