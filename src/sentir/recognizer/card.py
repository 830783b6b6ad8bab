"""The model card of a saved model: description, intended use, data, training, scores and limitations.

It shows the facts in ``sentir.json``. It is saved with the model in English (``README.md``, with the front matter
for the hub) and in Spanish (``README.es.md``).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sentir.corpus.corpus import Corpus
from sentir.corpus.labels import LabelSpace
from sentir.corpus.language_detection import language_name
from sentir.display_names import display_name
from sentir.documents import Block, Document, DocumentSection, ListBlock, TableBlock
from sentir.evaluation.formatting import format_number
from sentir.evaluation.results import MIN_CLUSTERS, ModelScores, few_clusters_note
from sentir.i18n import LANGUAGES, _, gettext_noop, use_language
from sentir.models.audio_backbones import AUDIO_BACKBONES
from sentir.models.kinds import MODELS
from sentir.models.speech_backbones import SPEECH_BACKBONES, is_speech_backbone
from sentir.models.text_backbones import TEXT_BACKBONES, TextBackbone
from sentir.models.weights import WeightsSource
from sentir.preprocessing.kinds import input_modalities, randomly_initialized_parts
from sentir.recipe import AudioSettings, ModelSettings, Recipe
from sentir.recognizer.card_export import export_sections
from sentir.recognizer.card_metadata import describe_corpus, describe_license, front_matter
from sentir.recognizer.card_scores import label_limitations, load_scores, score_sections, slice_sections
from sentir.safe_text import make_printable

CARD_FILES = {"en": "README.md", "es": "README.es.md"}
_CALIBRATION_NAMES = {
    "none": gettext_noop("none"),
    "temperature": gettext_noop("one temperature"),
    "per_label": gettext_noop("a temperature and a bias for each label"),
}
CARD_FILENAMES = tuple(CARD_FILES.values())


def summarize_data(corpus: Corpus, task: str) -> dict[str, dict[str, Any]]:
    """Return the sizes and label counts of train and dev, for a card."""
    space = corpus.label_space(task)
    summary = {}
    for split in ("train", "dev"):
        rows = corpus.split(split)
        counts = Counter(name for u in rows for name in space.categorize(u.labels.get(task, ())))
        summary[split] = {
            "utterances": len(rows),
            "dialogues": len({u.dialogue or u.id for u in rows}),
            "speakers": len({u.speaker for u in rows} - {None}),
            "labels": {name: counts[name] for name in space.categories},
        }
    return summary


def save_model_cards(folder: Path, recipe: Recipe, space: LabelSpace, facts: Mapping[str, Any]) -> None:
    """Write the card of a model into its folder, in each language."""
    for code in LANGUAGES:
        with use_language(code):
            text = make_model_card(recipe, space, facts).to_markdown()
        metadata = front_matter(recipe, space, facts, _modalities(recipe, facts))
        header = f"---\n{metadata}\n---\n\n" if code == "en" else ""
        (folder / CARD_FILES[code]).write_text(make_printable(header) + text, encoding="utf-8")


def make_model_card(recipe: Recipe, space: LabelSpace, facts: Mapping[str, Any]) -> Document:
    """Return the card of a model in the current language.

    Args:
        recipe: of its training.
        space: label space of its main task.
        facts: of its `sentir.recognizer.recognizer.Recognizer`.
    """
    rows = load_scores(facts)
    return Document(
        f"{facts['corpus']} · {display_name(space.task)} · {recipe.name}",
        (
            DocumentSection(_("What it is"), _description_section(recipe, space, facts)),
            DocumentSection(_("Intended use"), intended_use()),
            DocumentSection(_("Data"), data_section(recipe, facts)),
            DocumentSection(
                _("Training"),
                _members_section(facts) if "members" in facts else (_training_section(recipe, facts),),
            ),
            *(part for row in rows for part in (*score_sections(row, facts), *slice_sections(row, facts))),
            *export_sections(facts),
            *([] if rows else [DocumentSection(_("Scores"), (_("No scores were saved with this model."),))]),
            DocumentSection(_("Limitations"), (ListBlock(limitations(recipe, rows, facts)),)),
        ),
    )


def _modalities(recipe: Recipe, facts: Mapping[str, Any]) -> frozenset[str]:
    """Return the modalities of a model, or of all members of an ensemble."""
    return frozenset(facts["modalities"]) if "members" in facts else input_modalities(recipe.model)


def intended_use() -> tuple[Block, ...]:
    """Return the intended use of an emotion model, and its legal limits."""
    return (
        _("For research and teaching: to study how emotion is annotated in speech and text like that of its "
          "corpus, over many utterances at once. It estimates how annotators would label, not what a person "
          "feels."),
        _("Not for decisions about a person, such as hiring, grading, credit, insurance, policing or diagnosis."),
        _("In the European Union it is prohibited to infer emotions of people from biometric data, such as their "
          "voice, at work and in education, except for medical or safety reasons (Regulation (EU) 2024/1689, "
          "Art. 5(1)(f)); people who are exposed to emotion recognition must be informed of it (Art. 50(3))."),
    )  # fmt: skip


def limitations(recipe: Recipe, rows: Sequence[ModelScores], facts: Mapping[str, Any]) -> tuple[str, ...]:
    """Return sentences on what limits the scores and the use of a model, as far as its facts tell."""
    found = [_("Synthetic data: results do not carry over to real speech.")] if facts["synthetic"] else []
    if facts.get("previous_trainings"):
        found.append(
            _("Earlier training data may contain utterances of the splits that it is scored on; the model alone "
              "cannot show that.")
        )  # fmt: skip
    random_parts = facts.get("randomly_initialized", randomly_initialized_parts(recipe.model))
    found += [f"{note[:1].upper()}{note[1:]}." for note in map(_, random_parts)]
    if not any(row.split == "test" for row in rows):
        found.append(
            _("Not evaluated on test: its epoch and thresholds were selected on dev, so scores on dev are "
              "optimistic.")
        )  # fmt: skip
    for row in rows[:1]:
        found += label_limitations(row)
        found += [few_clusters_note(row.num_clusters)] if 0 < row.num_clusters < MIN_CLUSTERS else []
    for split, missing in facts.get("missing_modalities", {}).items():
        found += [
            _("{n} utterances of {split} had no usable {what}.",
              n=n, split=display_name(split), what=display_name(what))
            for what, n in missing.items()
            if n
        ]  # fmt: skip
    found.append(
        _("Languages, ages, accents, recordings and situations other than those of {corpus} were not evaluated.",
          corpus=facts["corpus"])
    )  # fmt: skip
    if (own := facts.get("language")) and _text_backbone(recipe).languages:
        found.append(
            _("It was trained on texts in {language}: for a text in a language that neither its encoder nor its "
              "corpus has, it abstains.", language=language_name(own))
        )  # fmt: skip
    return tuple(dict.fromkeys(found))


def _description_section(recipe: Recipe, space: LabelSpace, facts: Mapping[str, Any]) -> tuple[Block, ...]:
    names = ", ".join(display_name(name) for name in space.names)
    source = _(" and ").join(display_name(one) for one in sorted(_modalities(recipe, facts), reverse=True))
    values = {"source": source, "names": names, "corpus": facts["corpus"]}
    return (
        {
            "single": _("It predicts one label per utterance from its {source}: {names}.", **values),
            "multi": _("It predicts any number of labels per utterance from its {source}: {names}.", **values),
            "regression": _("It predicts a number per utterance from its {source}: {names}.", **values),
        }[space.kind],
        _("It was trained on the corpus {corpus} with Sentir {version}.",
          version=facts["versions"]["sentir"], **values),
        *(
            _("Before that it was trained on the corpus {corpus} (recipe {recipe}, fingerprint {fingerprint}).",
              corpus=one["corpus"], recipe=one["recipe"], fingerprint=one["fingerprint"])
            for one in reversed(facts.get("previous_trainings", []))
        ),
    )  # fmt: skip


def data_section(recipe: Recipe, facts: Mapping[str, Any]) -> tuple[Block, ...]:
    """Return what the model was trained on: license, fingerprint, sizes of the splits."""
    about = [
        *_corpus_lines(recipe, facts),
        _("Fingerprint: {fingerprint}", fingerprint=facts["fingerprint"]),
    ]
    data: Mapping[str, Any] = facts.get("data", {})
    counts = ("utterances", "dialogues", "speakers")
    if not data:
        return (*about, _("The sizes of its data were not recorded."))
    rows = [(display_name(what), *(str(data[split][what]) for split in data)) for what in counts]
    labels = list(dict.fromkeys(name for split in data.values() for name in split["labels"]))
    rows += [
        (display_name(name), *(str(data[split]["labels"].get(name, 0)) for split in data)) for name in labels
    ]
    return (*about, TableBlock(("", *map(display_name, data)), tuple(rows)))


def _corpus_lines(recipe: Recipe, facts: Mapping[str, Any]) -> list[str]:
    if facts["synthetic"]:
        return [_("Synthetic: generated by a program, not recorded.")]
    text_license = _text_backbone(recipe).license
    lines = [describe_corpus(recipe), _("License of the corpus: {license}.", license=describe_license(recipe))]
    if text_license:
        lines.append(_("License of the pretrained text encoder: {license}.", license=text_license))
    if audio_license := _audio_license(recipe.model):
        lines.append(_("License of the pretrained audio backbone: {license}.", license=audio_license))
    return [line for line in lines if line]


def _training_section(recipe: Recipe, facts: Mapping[str, Any]) -> Block:
    model, modalities = recipe.model, MODELS.get(recipe.model.kind).modalities
    has_text, has_audio = "text" in modalities, "audio" in modalities
    best, epochs = int(facts["best_epoch"]), int(facts["history"][-1]["epoch"])
    rows = (
        (_("network"), model.kind if model.head == "mlp" else f"{model.kind} ({model.head})"),
        (_("text backbone"), f"{model.backbone} ({model.encoder})" if has_text else ""),
        (_("context"), model.context if has_text else ""),
        (_("audio backbone"), _audio_backbone_name(model.audio) if has_audio else ""),
        *(
            (_("weights ({part})", part=display_name(part)), WeightsSource(**source).describe())
            for part, source in facts.get("weights", {}).items()
        ),
        (_("features"), ", ".join(model.features)),
        (_("auxiliary tasks"), ", ".join(map(display_name, recipe.auxiliary_tasks))),
        (_("loss"), recipe.train.loss),
        (_("calibration, selected on dev"), _calibration_name(facts)),
        (_("seed"), str(recipe.train.seed)),
        (_("epochs"), _("{best} of {epochs}, selected on dev", best=best, epochs=epochs)),
        (_("threads"), str(int(threads)) if (threads := facts.get("throughput", {}).get("threads")) else ""),
        *((name, version) for name, version in facts["versions"].items()),
    )
    return TableBlock((_("setting"), _("value")), tuple(row for row in rows if row[1]), numeric=())


def _members_section(facts: Mapping[str, Any]) -> tuple[Block, ...]:
    rows = tuple(
        (
            one["name"],
            one["model"],
            "" if one.get("seed") is None else str(one["seed"]),
            format_number(one["weight"]),
        )
        for one in facts["members"]
    )
    return (
        _("An ensemble: the log probabilities of its members (in regression, their numbers) are averaged with "
          "these weights, and the average is calibrated on dev."),
        TableBlock((_("member"), _("model"), _("seed"), _("weight")), rows, numeric=(2, 3)),
        _("The weights were fitted on dev.") if facts["fitted_weights"] else _("The weights were given."),
        ListBlock(tuple(f"{name}: {version}" for name, version in facts["versions"].items())),
    )  # fmt: skip


def _text_backbone(recipe: Recipe) -> TextBackbone:
    """Return the text backbone of a recipe; an empty one without text, or if it is not known."""
    name = recipe.model.backbone
    has_text = "text" in MODELS.get(recipe.model.kind).modalities
    known: TextBackbone | None = TEXT_BACKBONES.get(name) if has_text and name in TEXT_BACKBONES else None
    return known or TextBackbone(name, "")


def _audio_license(model: ModelSettings) -> str:
    """Return the license of a model's pretrained audio weights; ``""`` without, or if it is not known."""
    name, has_audio = model.audio.backbone, "audio" in MODELS.get(model.kind).modalities
    known = AUDIO_BACKBONES if name in AUDIO_BACKBONES else SPEECH_BACKBONES
    if not has_audio or not model.audio.pretrained or model.audio.weights or name not in known:
        return ""
    license: str = known.get(name).license
    return license


def _calibration_name(facts: Mapping[str, Any]) -> str:
    method = facts.get("calibration")
    return _(_CALIBRATION_NAMES[method]) if method else ""


def _audio_backbone_name(audio: AudioSettings) -> str:
    if not is_speech_backbone(audio.backbone) and audio.encoder != "frozen":
        return audio.backbone
    return f"{audio.backbone} ({'frozen' if audio.is_encoder_frozen else 'finetune'})"
