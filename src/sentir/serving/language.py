"""The language of a request."""

from __future__ import annotations

from sentir.i18n import LANGUAGES, preferred_language


def choose_language(accept_language: str) -> str:
    """Return the preferred one of the known languages, by default that of the server.

    Args:
        accept_language: the header ``Accept-Language``, such as ``es-MX,es;q=0.9,en;q=0.5``.
    """
    weights: dict[str, float] = {}
    for entry in accept_language.split(","):
        name, *parameters = (part.strip().lower() for part in entry.split(";"))
        code = name.split("-")[0]
        if code in LANGUAGES:
            weights[code] = max(weights.get(code, 0.0), _weight(parameters))
    best = max(weights, key=weights.__getitem__, default="")
    return best if weights.get(best, 0.0) > 0 else preferred_language()


def _weight(parameters: list[str]) -> float:
    value = next((one.removeprefix("q=") for one in parameters if one.startswith("q=")), "1")
    try:
        return float(value)
    except ValueError:
        return 0.0
