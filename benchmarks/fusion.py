"""The fusions of text and audio, compared on dev of the artificial pairing of ``artificial_pairing.py``.

Words and voice are conditionally independent there, given the emotion, as they never are in real conversations:
the scores rank fusions of two independent inputs and say nothing about real speech. Test is not used. Models that
are already trained are not trained again.
"""

from pathlib import Path

from artificial_pairing import CANDIDATES, METRIC, RECIPE, parse_arguments

from sentir.evaluation.locked.ledger import get_labels
from sentir.evaluation.scorer import Scorer
from sentir.evaluation.scoring import write_results
from sentir.models.fusion import FUSIONS
from sentir.recipe import Recipe, merge_settings
from sentir.study.candidates import train_candidate
from sentir.study.plan import plan_candidates
from sentir.study.stages import Stages

DEFAULT_FUSION = "gated"


def main() -> None:
    given, corpus = parse_arguments(__doc__.split("\n")[0], Path("runs/fusion"))
    multimodal = CANDIDATES["multimodal"]
    candidates = {name: merge_settings(multimodal, {"model": {"fusion": name}}) for name in FUSIONS}
    unimodal = {name: CANDIDATES[name] for name in ("text", "audio")}
    recipe = Recipe.parse({**RECIPE, "study": {"candidates": unimodal | candidates, "seeds": given.seeds}})
    stages = Stages(given.out / "stages")
    trained = [train_candidate(stages, corpus, c) for c in plan_candidates(recipe)["emotion"]]
    models = {one.name: one.predictions_on("dev") for one in trained}
    dev = Scorer(corpus, "dev", get_labels(corpus, "dev"), recipe.evaluation)
    pairs = [(models[name], models[DEFAULT_FUSION]) for name in FUSIONS if name != DEFAULT_FUSION]
    comparisons = dev.compare(pairs, METRIC)
    scores = [dev.score(model, "candidate") for model in models.values()]
    write_results(given.out / "results.json", scores, comparisons)
    print(f"\nARTIFICIAL PAIRING, dev: {METRIC}, 95 % intervals over {comparisons[0].num_clusters} dialogues")
    for row in scores:
        value = row.metrics[METRIC]
        print(f"{row.model:20}{value.value:7.3f} ± {value.sd or 0:.3f} [{value.low:.3f}, {value.high:.3f}]")
    for comparison in comparisons:
        print(f"  {comparison.sentence()}")


if __name__ == "__main__":
    main()
