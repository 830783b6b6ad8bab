"""What tests read of a study: its rows, its stages, and everything except the test scores."""

TASKS = {"emotion": "weighted_f1", "feelings": "macro_f1"}
CANDIDATES = ("plain", "dialogue", "slow")
BASELINES = ("majority", "bag of words")


def rows(scores, **values):
    return [s for s in scores if all(getattr(s, key) == value for key, value in values.items())]


def stages(out, kind):
    return sorted(path for path in (out / "stages").iterdir() if path.name.startswith(f"{kind}-"))


def without_test(report):
    return (
        rows(report.scores, split="dev"),
        [c for c in report.comparisons if c.split == "dev"],
        report.selected,
        report.learning_curves,
    )
