"""Checks of a study before anything is trained, so that mistakes are found at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from sentir.audit import audit, describe_grade, measure_leakage, scan_audio
from sentir.corpus.cleaning import clean_text
from sentir.corpus.corpus import Corpus
from sentir.corpus.invisible_characters import is_blank
from sentir.errors import CorpusError, RecipeError
from sentir.evaluation.locked.test_contamination import contamination_findings, find_contamination
from sentir.evaluation.metrics import resolve_metric
from sentir.i18n import _
from sentir.logs import logger
from sentir.models.kinds import MODELS
from sentir.paths import explain_invalid_name
from sentir.recipe import Recipe
from sentir.study.baselines import BASELINES
from sentir.study.families import stacked_recipes
from sentir.study.plan import Candidate
from sentir.study.stacking import assign_folds
from sentir.training.fitting import check_clips, check_training, labeled_utterances
from sentir.training.setting_checks import check_classes

LOW_GRADES = ("D", "E")  # of corpora that are studied only if accepted


def check_names(corpora: Sequence[Corpus], recipes: Sequence[Recipe]) -> None:
    """Check that names are valid and unique in results, models and the report.

    Raises:
        RecipeError: naming the corpus or the recipe.
    """
    for corpus in corpora:
        if why := explain_invalid_name(corpus.name):
            raise RecipeError(
                _("The corpus cannot be called '{name}': {why}; name it in data.table.name.",
                  name=corpus.name, why=why)
            )  # fmt: skip
    for name, times in Counter(recipe.name for recipe in recipes).items():
        if times > 1:
            raise RecipeError(_("{n} recipes of one study are called '{name}'; rename one.", n=times, name=name))
    for name, times in Counter(corpus.name for corpus in corpora).items():
        if times > 1:
            raise RecipeError(
                _("{n} recipes of one study read the corpus '{name}'; run them with separate --out.",
                  n=times, name=name)
            )  # fmt: skip


def check_corpus(corpus: Corpus, recipe: Recipe, tasks: Mapping[str, Sequence[Candidate]]) -> None:
    """Check that every task can be trained, selected on dev, and compared on test if it is evaluated.

    Known test splits in train or dev are logged as warnings.

    Raises:
        CorpusError: if a split has too few dialogues, labels, texts or clips.
        SentirError: for names and settings that cannot be used.
    """
    for known in find_contamination(corpus):
        logger.warning(known.sentence())
    for split in ("dev", "test") if recipe.study.test else ("dev",):
        if len({u.dialogue or u.id for u in corpus.split(split)}) < 2:
            raise CorpusError(
                _("The corpus '{name}' has fewer than 2 dialogues in {split}; no models can be compared there.",
                  name=corpus.name, split=split)
            )  # fmt: skip
    for task, candidates in tasks.items():
        resolve_metric(corpus.label_space(task), recipe.evaluation.metric)
        rows = labeled_utterances(corpus, task)["train"]
        check_classes(corpus, task)
        for baseline in recipe.study.baselines:
            BASELINES.get(baseline)
        if "acoustic" in recipe.study.baselines:
            check_clips(recipe.data, corpus)
        for candidate in candidates:
            check_training(candidate.recipe, corpus, load_weights=False)
        trained = [one for candidate in candidates for one in stacked_recipes(candidate.recipe)]
        for one in trained:
            if one.model.stacked is not None and one.model.uses_stacking:
                assign_folds(corpus.train, one.model.stacked.folds, one.train.seed)
        text_recipes = [one for one in trained if "text" in MODELS.get(one.model.kind).modalities]
        text_recipes += [recipe] if "bag of words" in recipe.study.baselines else []
        for cleaning in {one.data.cleaning for one in text_recipes}:
            if all(is_blank(clean_text(u.text or "", cleaning)) for u in rows):
                raise CorpusError(_("The corpus '{name}' has no text in train after cleaning.", name=corpus.name))


def check_grade(corpus: Corpus, recipe: Recipe, *, accept_grade: bool) -> str:
    """Audit a corpus, as ``sentir corpus audit`` does, and return its grade; D and E are logged as warnings.

    Raises:
        CorpusError: if the grade is D or E and not accepted.
    """
    audio = scan_audio(corpus) if any(u.clip is not None for u in corpus) else None
    leakage = measure_leakage(corpus, recipe.data.cleaning)
    contamination = contamination_findings(find_contamination(corpus))
    report = audit(corpus, audio, leakage=leakage, other_findings=contamination)
    if report.grade not in LOW_GRADES:
        return report.grade
    values = {"name": corpus.name, "grade": report.grade, "meaning": describe_grade(report.grade)}
    if not accept_grade:
        why = report.reasons[0].message.removesuffix(".")
        raise CorpusError(
            _("The audit gives the corpus '{name}' grade {grade} ({why}); repair what 'sentir corpus audit' "
              "lists, or study it as it is with --accept-grade (in Python, accept_grade=True).",
              why=why, **values)
        )  # fmt: skip
    logger.warning(_("{name}: the audit gives grade {grade}; it is studied anyway. {meaning}", **values))
    return report.grade
