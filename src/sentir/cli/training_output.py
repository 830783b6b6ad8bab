"""Printing of the facts of a training."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sentir.cli import output
from sentir.i18n import _, gettext_noop

_MISSING_MESSAGES = {
    "text": gettext_noop("Utterances of {split} without text after cleaning: {n}."),
    "audio": gettext_noop("Utterances of {split} without usable audio: {n}; 'sentir corpus prepare' shows why."),
}


def print_training(facts: Mapping[str, Any]) -> None:
    """Print the speed of a training, and how many utterances lacked a modality or were truncated."""
    throughput, epochs = facts["throughput"], int(facts["history"][-1]["epoch"])
    output.print_line(
        _("Best epoch {best} of {epochs}; {rate:.0f} utterances per second.",
          best=int(facts["best_epoch"]), epochs=epochs, rate=throughput["utterances_per_second"])
    )  # fmt: skip
    if "peak_memory_mb" in throughput:
        output.print_line(_("Peak memory: {n:.0f} MB.", n=throughput["peak_memory_mb"]))
    for split, counts in facts["missing_modalities"].items():
        for kind, n in counts.items():
            output.print_line(_(_MISSING_MESSAGES[kind], n=n, split=split))
    for split, n in facts["truncated"].items():
        if n:
            output.print_line(
                _("Texts of {split} truncated to the maximum length of the model: {n}.", n=n, split=split)
            )
