"""How a report calls things: the words of `sentir.evaluation.words`, which model cards know too."""

from sentir.evaluation.words import display_name as display_name
from sentir.evaluation.words import model_display_name as model_display_name
from sentir.evaluation.words import quoted_model_name as quoted_model_name
