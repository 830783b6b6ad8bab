"""What a training was like, said once behind it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sentir.cli import output
from sentir.i18n import _, gettext_noop

_UNUSABLE_MESSAGES = {
    "text": gettext_noop("Utterances of {split} without text after cleaning: {n}."),
    "audio": gettext_noop("Utterances of {split} without usable sound: {n}; 'sentir corpus prepare' says why."),
}


def print_training(facts: Mapping[str, Any]) -> None:
    """Say how fast a training was, and which utterances gave the model nothing."""
    speed, epochs = facts["throughput"], int(facts["history"][-1]["epoch"])
    output.print_line(
        _("Best epoch {best} of {epochs}; {rate:.0f} utterances a second.",
          best=int(facts["best_epoch"]), epochs=epochs, rate=speed["utterances_per_second"])
    )  # fmt: skip
    if "peak_memory_mb" in speed:
        output.print_line(_("Most memory held: {n:.0f} MB.", n=speed["peak_memory_mb"]))
    for split, counts in facts["missing_modalities"].items():
        for kind, n in counts.items():
            output.print_line(_(_UNUSABLE_MESSAGES[kind], n=n, split=split))
    for split, n in facts["truncated"].items():
        if n:
            output.print_line(
                _("Texts of {split} that are longer than what the model reads: {n}.", n=n, split=split)
            )
