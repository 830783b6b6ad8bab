// Corrected labels: the document stays as it was predicted, corrections are laid over it.

import { nameOf, t } from "./i18n.js";

/** The corrections of one timeline: number of a turn → its labels. */
export class Corrections extends Map {
  /** Return the labels of a turn, corrected if they were. */
  labelsOf(turn, number) {
    return this.get(number) ?? turn.labels ?? [];
  }

  /** Correct a turn; its predicted label again is no correction. */
  correct(turn, number, label) {
    const labels = label ? [label] : [];
    if (labels.join() === (turn.labels ?? []).join()) this.delete(number);
    else this.set(number, labels);
  }

  /**
   * Return the document with the corrections: a corrected turn has its new labels, a note with the predicted ones,
   * and no confidence, as that is of the prediction.
   */
  apply(document) {
    const turns = document.turns.map((turn, number) => {
      if (!this.has(number)) return turn;
      const { confidence: _confidence, ...rest } = turn;
      const was = (turn.labels ?? []).map(nameOf).join(", ") || t("label.none");
      return { ...rest, labels: this.get(number), notes: [...(turn.notes ?? []), t("corrected.note", { was })] };
    });
    return { ...document, turns };
  }
}
