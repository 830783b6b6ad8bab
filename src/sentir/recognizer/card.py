"""The model card: what a saved model is, what it learned from, how good it is, and what it is not for.

Everything in it is a fact of the run, as `sentir.json` keeps it. A card is written beside the model in English
(``README.md``, with the front matter that the hub reads) and in Spanish (``README.es.md``).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from sentir.corpus.corpus import Corpus
from sentir.corpus.labels import LabelSpace
from sentir.display_names import AT_HALF_SUFFIX, display_name
from sentir.documents import Block, Document, DocumentSection, ListBlock, TableBlock
from sentir.download.sources import DOWNLOADABLE_CORPORA
from sentir.evaluation.analysis.slices import SliceScore
from sentir.evaluation.results import MIN_CLUSTERS, LabelScore, ModelScores, Score, few_clusters_note
from sentir.i18n import LANGUAGES, _, gettext_noop, localize_numbers, use_language
from sentir.models.factory import MODELS
from sentir.models.speech_backbones import is_speech_backbone
from sentir.models.text_backbones import TEXT_BACKBONES, TextBackbone
from sentir.models.weights import WeightsSource
from sentir.preprocessing.kinds import input_modalities, is_speech_encoder_frozen, randomly_initialized_parts
from sentir.recipe import AudioSettings, Recipe
from sentir.safe_text import make_printable

MIN_SUPPORT = 50  # utterances of a label below which its scores are coarse
CARD_FILES = {"en": "README.md", "es": "README.es.md"}
_CALIBRATION_NAMES = {
    "none": gettext_noop("none"),
    "temperature": gettext_noop("one temperature"),
    "per_label": gettext_noop("a temperature and a bias for each label"),
}
CARD_FILENAMES = tuple(CARD_FILES.values())
_PIPELINE_TAGS = {frozenset({"text"}): "text-classification", frozenset({"audio"}): "audio-classification"}


def summarize_data(corpus: Corpus, task: str) -> dict[str, dict[str, Any]]:
    """Return what of a corpus a card tells, for train and dev: how much, and how often each label occurs."""
    space = corpus.label_space(task)
    found = {}
    for split in ("train", "dev"):
        rows = corpus.split(split)
        counts = Counter(name for u in rows for name in space.categorize(u.labels.get(task, ())))
        found[split] = {
            "utterances": len(rows),
            "dialogues": len({u.dialogue or u.id for u in rows}),
            "speakers": len({u.speaker for u in rows} - {None}),
            "labels": {name: counts[name] for name in space.categories},
        }
    return found


def save_model_cards(folder: Path, recipe: Recipe, space: LabelSpace, facts: Mapping[str, Any]) -> None:
    """Write the card of a model into its folder, in every language."""
    for code in LANGUAGES:
        with use_language(code):
            text = make_model_card(recipe, space, facts).to_markdown()
        matter = f"---\n{front_matter(recipe, space, facts)}\n---\n\n" if code == "en" else ""
        (folder / CARD_FILES[code]).write_text(make_printable(matter) + text, encoding="utf-8")


def make_model_card(recipe: Recipe, space: LabelSpace, facts: Mapping[str, Any]) -> Document:
    """Return the card of a model in the current language.

    Args:
        recipe: what it was trained by.
        space: what it recognizes.
        facts: those of its `sentir.recognizer.recognizer.Recognizer`.
    """
    rows = load_scores(facts)
    return Document(
        f"{facts['corpus']} · {display_name(space.task)} · {recipe.name}",
        (
            DocumentSection(_("What it is"), _description_section(recipe, space, facts)),
            DocumentSection(_("Intended use"), intended_use()),
            DocumentSection(_("Data"), _data_section(recipe, facts)),
            DocumentSection(_("Training"), (_training_section(recipe, facts),)),
            *(part for row in rows for part in (*_score_sections(row), *_slice_sections(row, facts))),
            *([] if rows else [DocumentSection(_("Scores"), (_("No scores were saved with this model."),))]),
            DocumentSection(_("Limits"), (ListBlock(limitations(recipe, rows, facts)),)),
        ),
    )


def load_scores(facts: Mapping[str, Any]) -> list[ModelScores]:
    """Return the scores that were saved with a model, those on test first."""
    rows = TypeAdapter(list[ModelScores]).validate_python(facts.get("scores", []))
    return sorted(rows, key=lambda row: row.split != "test")


def front_matter(recipe: Recipe, space: LabelSpace, facts: Mapping[str, Any]) -> str:
    """Return what the hub reads of a card, as YAML; only what is known."""
    from huggingface_hub import EvalResult, ModelCardData

    needs = frozenset(input_modalities(recipe.model))
    kind = None if space.kind == "regression" else _PIPELINE_TAGS.get(needs)
    results = [
        EvalResult(
            task_type=kind or "other", dataset_type=row.corpus, dataset_name=row.corpus, dataset_split=row.split,
            metric_type=name, metric_name=name.replace("_", " "), metric_value=round(score.value, 4),
        )
        for row in load_scores(facts)
        for name, score in row.metrics.items()
        if not name.endswith(AT_HALF_SUFFIX)
    ]  # fmt: skip
    return ModelCardData(
        library_name="sentir",
        pipeline_tag=kind,
        tags=["sentir", "emotion-recognition", space.task, *(["synthetic-data"] if facts["synthetic"] else [])],
        base_model=_base_model_id(recipe),
        model_name=recipe.name if results else None,
        eval_results=results or None,
    ).to_yaml()


def intended_use() -> tuple[Block, ...]:
    """Say what a model of emotions is for, and what the law forbids."""
    return (
        _("For research and teaching: to study how emotion is annotated in speech and text like that of its "
          "corpus, over many utterances at once. It guesses what annotators would say, not what a person feels."),
        _("Not for decisions about a person, such as hiring, grading, credit, insurance, policing or diagnosis."),
        _("In the European Union it is prohibited to infer emotions of people from biometric data, such as their "
          "voice, at work and in education, except for medical or safety reasons (Regulation (EU) 2024/1689, "
          "Art. 5(1)(f)); people who are exposed to emotion recognition must be informed of it (Art. 50(3))."),
    )  # fmt: skip


def limitations(recipe: Recipe, rows: Sequence[ModelScores], facts: Mapping[str, Any]) -> tuple[str, ...]:
    """Return what a reader of its scores must know, as far as the run tells."""
    found = [_("Synthetic data: the model says nothing about real speech.")] if facts["synthetic"] else []
    if facts.get("previous_trainings"):
        found.append(
            _("What it was trained on before may hold utterances of the splits it is scored on; the model alone "
              "cannot tell.")
        )  # fmt: skip
    found += [f"{note[:1].upper()}{note[1:]}." for note in map(_, randomly_initialized_parts(recipe.model))]
    if not any(row.split == "test" for row in rows):
        found.append(
            _(
                "Not evaluated on test: its epoch and thresholds were selected on dev, so scores on dev are "
                "optimistic."
            )
        )
    for row in rows[:1]:
        found += _label_limitations(row)
        found += [few_clusters_note(row.num_clusters)] if 0 < row.num_clusters < MIN_CLUSTERS else []
    for split, unusable in facts.get("missing_modalities", {}).items():
        found += [
            _(
                "{n} utterances of {split} had no usable {what}.",
                n=n,
                split=display_name(split),
                what=display_name(what),
            )
            for what, n in unusable.items()
            if n
        ]
    found.append(
        _("Languages, ages, accents, recordings and situations other than those of {corpus} were not evaluated.",
          corpus=facts["corpus"])
    )  # fmt: skip
    return tuple(dict.fromkeys(found))


def _description_section(recipe: Recipe, space: LabelSpace, facts: Mapping[str, Any]) -> tuple[Block, ...]:
    names = ", ".join(display_name(name) for name in space.names)
    source = _(" and ").join(display_name(one) for one in sorted(input_modalities(recipe.model), reverse=True))
    values = {"source": source, "names": names, "corpus": facts["corpus"]}
    return (
        {
            "single": _("It gives an utterance one label by its {source}: {names}.", **values),
            "multi": _("It gives an utterance any of these labels, or none, by its {source}: {names}.", **values),
            "regression": _("It gives an utterance a number by its {source}: {names}.", **values),
        }[space.kind],
        _("It was trained on the corpus {corpus} with Sentir {version}.",
          version=facts["versions"]["sentir"], **values),
        *(
            _("Before that it was trained on the corpus {corpus} (recipe {recipe}, fingerprint {fingerprint}).",
              corpus=one["corpus"], recipe=one["recipe"], fingerprint=one["fingerprint"])
            for one in reversed(facts.get("previous_trainings", []))
        ),
    )  # fmt: skip


def _data_section(recipe: Recipe, facts: Mapping[str, Any]) -> tuple[Block, ...]:
    offered = (DOWNLOADABLE_CORPORA.get(name) for name in DOWNLOADABLE_CORPORA)
    known = [one.license for one in offered if one.reader == recipe.data.reader]
    about = [
        _("Synthetic: made by a program, no one said it.") if facts["synthetic"] else "",
        _("License of the corpus: {license}.", license=_(known[0]) if known and known[0] else _("unknown")),
        _("Fingerprint: {fingerprint}", fingerprint=facts["fingerprint"]),
    ]
    data: Mapping[str, Any] = facts.get("data", {})
    counts = ("utterances", "dialogues", "speakers")
    sizes = [(display_name(what), *(str(data[split][what]) for split in data)) for what in counts]
    labels = list(dict.fromkeys(name for split in data.values() for name in split["labels"]))
    sizes += [
        (display_name(name), *(str(data[split]["labels"].get(name, 0)) for split in data)) for name in labels
    ]
    grid = (
        TableBlock(("", *map(display_name, data)), tuple(sizes))
        if data
        else _("The sizes of its data were not recorded.")
    )
    return (*filter(None, about), grid)


def _training_section(recipe: Recipe, facts: Mapping[str, Any]) -> Block:
    model, reads = recipe.model, "text" in MODELS.get(recipe.model.kind).modalities
    listens = "audio" in MODELS.get(model.kind).modalities
    best, epochs = int(facts["best_epoch"]), int(facts["history"][-1]["epoch"])
    rows = (
        (_("network"), model.kind),
        (_("text backbone"), f"{model.backbone} ({model.encoder})" if reads else ""),
        (_("context"), model.context if reads else ""),
        (_("audio backbone"), _audio_backbone_name(model.audio) if listens else ""),
        *(
            (_("weights of the {part}", part=display_name(part)), WeightsSource.from_dict(source).describe())
            for part, source in facts.get("weights", {}).items()
        ),
        (_("features"), ", ".join(model.features)),
        (_("also recognizes"), ", ".join(map(display_name, recipe.auxiliary_tasks))),
        (_("loss"), recipe.train.loss),
        (_("calibration, selected on dev"), _calibration_name(facts)),
        (_("seed"), str(recipe.train.seed)),
        (_("epochs"), _("{best} of {epochs}, selected on dev", best=best, epochs=epochs)),
        (_("threads"), str(int(threads)) if (threads := facts.get("throughput", {}).get("threads")) else ""),
        *((name, version) for name, version in facts["versions"].items()),
    )
    return TableBlock((_("setting"), _("value")), tuple(row for row in rows if row[1]), is_numeric=False)


def _calibration_name(facts: Mapping[str, Any]) -> str:
    method = facts.get("calibration")
    return _(_CALIBRATION_NAMES[method]) if method else ""


def _audio_backbone_name(audio: AudioSettings) -> str:
    if not is_speech_backbone(audio.backbone):
        return audio.backbone
    return f"{audio.backbone} ({'frozen' if is_speech_encoder_frozen(audio) else 'finetune'})"


def _score_sections(row: ModelScores) -> list[DocumentSection]:
    title = _("Scores on {split}", split=display_name(row.split))
    over = f"; {row.interval_basis}" if row.interval_basis else ""
    text = _("{n} utterances; in brackets 95 % intervals{over}.", n=row.n, over=over)
    if row.num_seeds > 1:
        text += " " + _("Means over {n} trainings, of which this model is one.", n=row.num_seeds)
    metrics = tuple((display_name(name), format_score(score)) for name, score in row.metrics.items())
    parts = [DocumentSection(title, (text, TableBlock((_("metric"), _("score")), metrics)))]
    if any("f1" in label.metrics for label in row.per_label):
        headings = (
            _("label"),
            _("utterances"),
            display_name("precision"),
            display_name("recall"),
            display_name("f1"),
        )
        grid = TableBlock(headings, tuple(map(_label_row, row.per_label)))
        parts.append(
            DocumentSection(_("Per-class results on {split}", split=display_name(row.split)), (grid,), 3)
        )
    return parts


def _label_row(label_score: LabelScore) -> tuple[str, ...]:
    f1 = Score(label_score.metrics.get("f1", math.nan), *(label_score.interval or (None, None)))
    shares = (_format_number(label_score.metrics.get(name)) for name in ("precision", "recall"))
    return (display_name(label_score.label), str(label_score.support), *shares, format_score(f1))


def _slice_sections(row: ModelScores, facts: Mapping[str, Any]) -> list[DocumentSection]:
    """Return the scores of parts of a split, such as speakers that train never heard."""
    saved = [one for one in facts.get("slices", []) if one["split"] == row.split]
    slices = TypeAdapter(list[SliceScore]).validate_python(
        [{k: one[k] for k in one if k != "split"} for one in saved]
    )
    rows = tuple(
        (f"{one.definition.display_kind}: {one.definition.display_name}", str(one.n), format_score(one.score))
        for one in slices
    )
    title = _("Slices of {split}", split=display_name(row.split))
    return (
        [DocumentSection(title, (TableBlock((_("slice"), "n", display_name(slices[0].metric)), rows),), 3)]
        if slices
        else []
    )


def _label_limitations(row: ModelScores) -> list[str]:
    found = [one for one in row.per_label if "f1" in one.metrics and one.support]
    if not found:
        return []
    worst = min(found, key=lambda one: one.metrics["f1"])
    said = [
        _("Lowest F1: {label}, {f1} on {split}.",
          label=display_name(worst.label), f1=_format_number(worst.metrics["f1"]), split=display_name(row.split))
    ]  # fmt: skip
    if rare := [display_name(one.label) for one in row.per_label if one.support < MIN_SUPPORT]:
        said.append(
            _("Fewer than {n} utterances of {split} have the label {labels}: its scores are imprecise.",
              n=MIN_SUPPORT, split=display_name(row.split), labels=", ".join(rare))
        )  # fmt: skip
    return said


def format_score(score: Score) -> str:
    """Write a score with its interval, if it has one: ``0.612 [0.590, 0.633]``."""
    if score.low is None or score.high is None:
        return _format_number(score.value)
    return localize_numbers(
        f"{_format_number(score.value)} [{_format_number(score.low)}, {_format_number(score.high)}]"
    )


def _format_number(value: float | None) -> str:
    return "–" if value is None or value != value else localize_numbers(f"{value:.3f}")


def _base_model_id(recipe: Recipe) -> str | None:
    """Return what the hub calls the pretrained text encoder, if it has one of ours."""
    model = recipe.model
    known: TextBackbone | None = TEXT_BACKBONES.get(model.backbone) if model.backbone in TEXT_BACKBONES else None
    reads = "text" in MODELS.get(model.kind).modalities and model.pretrained and not model.weights
    return known.hub_id if known and reads else None
