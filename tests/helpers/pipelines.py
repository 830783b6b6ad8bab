"""Preprocessor, encoders and network builder in one object, for tests."""

from sentir.preprocessing.preprocessor import Preprocessor
from sentir.recognizer.encoders import Encoders


class Pipeline:
    """Encoders and preprocessor of a recipe, the latter fitted if train utterances are given."""

    def __init__(self, recipe, train=None):
        self.encoders = Encoders.load(recipe.model)
        make = Preprocessor if train is None else Preprocessor.fit
        self.preprocessor = make(recipe.data, recipe.model, train, **self.encoders.processors())
        self.scaler, self.text, self.mel = (
            getattr(self.preprocessor, part) for part in ("scaler", "text", "mel")
        )

    def transform(self, utterances):
        return self.encoders.embed(self.preprocessor.transform(utterances))

    def build(self, output_names, load_pretrained=True):
        return self.encoders.build_network(self.preprocessor, output_names, load_pretrained=load_pretrained)
