"""What a deployer of a model needs to know under Regulation (EU) 2024/1689 (AI Act): facts, no legal advice."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sentir.corpus.labels import LabelSpace
from sentir.display_names import display_name
from sentir.documents import Block, Document, DocumentSection, ListBlock
from sentir.i18n import _
from sentir.recipe import Recipe
from sentir.recognizer.card import data_section, intended_use, limitations
from sentir.recognizer.card_scores import load_scores, score_sections, slice_sections


def make_compliance_card(
    recipe: Recipe, space: LabelSpace, facts: Mapping[str, Any], modalities: frozenset[str]
) -> Document:
    """Return the compliance card of a model, in the current language.

    Args:
        recipe: of its training.
        space: label space of its main task.
        facts: of its `sentir.recognizer.recognizer.Recognizer`.
        modalities: that it takes.
    """
    rows = load_scores(facts)
    scores = [part for row in rows[:1] for part in (*score_sections(row, facts), *slice_sections(row, facts))]
    return Document(
        _("Compliance: {name}", name=f"{facts['corpus']} · {display_name(space.task)} · {recipe.name}"),
        (
            DocumentSection(_("Classification"), _classification(modalities)),
            DocumentSection(_("Intended use"), intended_use()),
            DocumentSection(_("Data"), data_section(recipe, facts)),
            DocumentSection(_("Accuracy by group"), (_accuracy_by_group(rows, facts),)),
            *scores,
            DocumentSection(_("Limitations"), (ListBlock(limitations(recipe, rows, facts)),)),
            DocumentSection(_("Human oversight"), (ListBlock(_oversight(space, facts)),)),
            DocumentSection(_("Information for the people concerned"), _information(modalities)),
        ),
    )


def _classification(modalities: frozenset[str]) -> tuple[Block, ...]:
    if "audio" not in modalities:
        return (
            _("The model takes text alone. Text is no biometric data (Art. 3(34)), so the model is not an "
              "emotion recognition system in the sense of Art. 3(39), and Art. 5(1)(f) and 50(3) do not concern "
              "it. Other law, such as that on personal data, may."),
        )  # fmt: skip
    return (
        _("The model infers emotions from voices, which are biometric data (Art. 3(34)): it is an emotion "
          "recognition system (Art. 3(39))."),
        ListBlock((
            _("Prohibited since 2 February 2025 at work and in education, except for medical or safety reasons: "
              "Art. 5(1)(f)."),
            _("High-risk in any use that is not prohibited: Annex III, point 1(c)."),
            _("People exposed to it must be informed, since 2 August 2026: Art. 50(3)."),
        )),
    )  # fmt: skip


def _accuracy_by_group(rows: list[Any], facts: Mapping[str, Any]) -> str:
    if not rows:
        return _("No scores were saved with this model: evaluate it before it is used.")
    groups = {
        one["definition"]["kind"] for one in facts.get("slices", []) if one["definition"]["is_corpus_group"]
    }
    if groups:
        names = ", ".join(sorted(name.replace("_", " ") for name in groups))
        return _("Scores by {groups} are among the slices below.", groups=names)
    return _("The corpus names no groups of people, such as age or gender: accuracy by group is unknown. Measure "
             "it on people like those concerned before the model is used.")  # fmt: skip


def _oversight(space: LabelSpace, facts: Mapping[str, Any]) -> tuple[str, ...]:
    abstains = space.classes and facts.get("calibration") is not None
    return (
        _("A person who knows these limits must be able to check, correct and disregard every prediction."),
        _("Nothing that affects a person may follow from a prediction alone."),
        *([_("Predictions below a confidence can be withheld and given to a person: abstain or max_error in "
             "requests, --abstain or --max-error on the command line.")] if abstains else []),
        _("Read the notes of a prediction: short, silent or damaged audio, truncated text, another language."),
        _("Compare predictions with human annotation regularly; stop if they differ more than the scores say."),
    )  # fmt: skip


def _information(modalities: frozenset[str]) -> tuple[Block, ...]:
    if "audio" not in modalities:
        return (_("It is good practice to tell people that a program estimates emotions in their texts."),)
    return (
        _("Tell people before they are exposed to it that their voice is processed to infer emotions, for what, "
          "and whom they can ask. The server shows such a text at /v1/notice."),
    )  # fmt: skip
