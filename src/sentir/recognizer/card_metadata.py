"""The metadata of a model card for the Hugging Face hub, and remarks on the licenses of its corpora."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from sentir.corpus.labels import LabelSpace
from sentir.corpus.licenses import KnownCorpus, find_known_corpus
from sentir.evaluation.metrics import AT_HALF_SUFFIX
from sentir.evaluation.results import CONFIDENCE_LEVEL, ModelScores, Score
from sentir.i18n import _
from sentir.models.text_backbones import TEXT_BACKBONES
from sentir.recipe import EmoboxSettings, MmeldSettings, Recipe
from sentir.recognizer.card_scores import load_scores

if TYPE_CHECKING:
    from huggingface_hub import EvalResult

_LICENSE_OF_SYNTHETIC, _UNKNOWN_LICENSE = "mit", "unknown"


def front_matter(recipe: Recipe, space: LabelSpace, facts: Mapping[str, Any], modalities: Iterable[str]) -> str:
    """Return the metadata of a card for the hub, as YAML.

    Args:
        recipe: of the training.
        space: label space of the main task.
        facts: of the training.
        modalities: of the model; a model of text and audio is tagged as audio classification.
    """
    from huggingface_hub import ModelCardData

    modalities = frozenset(modalities)
    kind = f"{'audio' if 'audio' in modalities else 'text'}-classification" if space.classes else None
    known = None if facts.get("synthetic") else _find_corpus(recipe)
    language = facts.get("language") if known is None else known.language
    license_keys = _license(recipe, facts)
    results = [one for row in load_scores(facts) for one in _eval_results(row, facts, kind, known)]
    tags = ["sentir", "emotion-recognition", space.task]
    tags += ["multimodal"] if len(modalities) > 1 else []
    return ModelCardData(
        library_name="sentir",
        pipeline_tag=kind,
        language=language if language and len(language) == 2 else None,  # otherwise the name of a script
        tags=[*tags, "synthetic-data"] if facts.get("synthetic") else tags,
        base_model=_base_models(recipe, facts),
        datasets=[known.dataset_id] if known is not None and known.dataset_id else None,
        model_name=recipe.name if results else None,
        eval_results=results or None,
        license=license_keys["license"],
        license_name=license_keys.get("license_name"),
        license_link=license_keys.get("license_link"),
    ).to_yaml()


def license_remark(recipe: Recipe, facts: Mapping[str, Any]) -> str:
    """Return a sentence on corpora whose license limits sharing, or is unknown; ``""`` for synthetic ones."""
    corpora = _recorded_corpora(recipe, facts)
    limited = [f"{name} ({_(known.license)})" for name, known in corpora.items() if known is not None]
    unknown = [name for name, known in corpora.items() if known is None]
    remarks = []
    if limited:
        remarks.append(
            _("The model was trained on a corpus whose license may limit sharing the model: {corpora}.",
              corpora=", ".join(limited))
        )  # fmt: skip
    if unknown:
        remarks.append(
            _("The model was trained on a corpus whose license Sentir does not know: {corpora}.",
              corpora=", ".join(unknown))
        )  # fmt: skip
    return " ".join(remarks)


def describe_license(recipe: Recipe) -> str:
    """Return the license of a recipe's corpus in the current language."""
    known = _find_corpus(recipe)
    return _("unknown") if known is None else _(known.license)


def describe_corpus(recipe: Recipe) -> str:
    """Return a sentence on a recipe's corpus in the current language; ``""`` if it is not known."""
    known = _find_corpus(recipe)
    return "" if known is None else _(known.description)


def _find_corpus(recipe: Recipe) -> KnownCorpus | None:
    data, table = recipe.data, recipe.data.table
    language = data.settings_of(MmeldSettings).language if data.reader == "mmeld" else ""
    dataset = data.settings_of(EmoboxSettings).dataset if data.reader == "emobox" else None
    return find_known_corpus(data.reader, f"mmeld-{language}", dataset, table.name if table is not None else None)


def _recorded_corpora(recipe: Recipe, facts: Mapping[str, Any]) -> dict[str, KnownCorpus | None]:
    """Return the corpora that a model was trained on, and what is known of them, without synthetic ones."""
    earlier = [one for one in facts.get("previous_trainings", []) if not one.get("synthetic")]
    found = {one["corpus"]: find_known_corpus(one["corpus"]) for one in earlier}
    return found if facts.get("synthetic") else {**found, facts.get("corpus", "?"): _find_corpus(recipe)}


def _license(recipe: Recipe, facts: Mapping[str, Any]) -> dict[str, str]:
    """Return the hub's keys for the license: that of the corpora, and Sentir's for a synthetic corpus."""
    corpora = dict.fromkeys(_recorded_corpora(recipe, facts).values())
    found = [known for known in corpora if known is not None]
    if len(found) < len(corpora):
        return {"license": _UNKNOWN_LICENSE}
    if len(found) < 2 and (not found or found[0].license_id != "other"):
        return {"license": found[0].license_id if found else _LICENSE_OF_SYNTHETIC}
    name = "-and-".join(one.license.lower().replace(" ", "-") for one in found)
    link = next((one.license_link for one in found if one.license_link), "")
    return {"license": "other", "license_name": name, **({"license_link": link} if link else {})}


def _eval_results(
    row: ModelScores, facts: Mapping[str, Any], kind: str | None, known: KnownCorpus | None
) -> list[EvalResult]:
    from huggingface_hub import EvalResult

    return [
        EvalResult(
            task_type=kind or "other", task_name=row.task,
            dataset_type=(known.dataset_id if known is not None else "") or row.corpus, dataset_name=row.corpus,
            dataset_split=row.split, metric_type=name, metric_name=name.replace("_", " "),
            metric_value=round(score.value, 4), metric_args=_metric_args(row, score, facts),
        )
        for name, score in row.metrics.items()
        if not name.endswith(AT_HALF_SUFFIX) and math.isfinite(score.value)
    ]  # fmt: skip


def _metric_args(row: ModelScores, score: Score, facts: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the interval of a score, and how often test had been evaluated on."""
    arguments: dict[str, Any] = {}
    if score.low is not None and score.high is not None:
        bounds = [round(score.low, 4), round(score.high, 4)]
        arguments |= {"interval": bounds, "confidence_level": CONFIDENCE_LEVEL}
    if row.split == "test" and facts.get("test_openings"):
        arguments["test_openings"] = facts["test_openings"]
    return arguments or None


def _base_models(recipe: Recipe, facts: Mapping[str, Any]) -> str | list[str] | None:
    """Return the hub ids of pretrained encoders and backbones; ``None`` if none is on the hub."""
    sources, backbone = facts.get("weights", {}).values(), recipe.model.backbone
    packaged = any(source["origin"] == "package" for source in sources) and backbone in TEXT_BACKBONES
    found = [TEXT_BACKBONES.get(backbone).hub_id] if packaged else []
    found += [source["location"] for source in sources if source["origin"] in ("cache", "hub")]
    found = list(dict.fromkeys(found))
    return found[0] if len(found) == 1 else found or None
