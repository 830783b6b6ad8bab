"""How a report calls things; the words themselves are `sentir.evaluation.words`, for model cards know them too."""

from sentir.evaluation.words import word as word
