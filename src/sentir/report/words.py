"""How a report calls things: the words of `sentir.evaluation.words`, which model cards know too."""

from sentir.evaluation.words import model_name as model_name
from sentir.evaluation.words import named as named
from sentir.evaluation.words import word as word
