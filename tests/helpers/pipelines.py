"""What lies between utterances and a network, in one object for tests: encoders and a preprocessor."""

from sentir.preprocessing.preprocessor import Preprocessor
from sentir.recognizer.encoders import Encoders


class Pipeline:
    """Encoders and preprocessor of a recipe, fitted on train utterances if they are given."""

    def __init__(self, recipe, train=None):
        self.encoders = Encoders.load(recipe.model)
        if train is None:
            self.preprocessor = Preprocessor(recipe.data, recipe.model, None, **self.encoders.processors())
        else:
            self.preprocessor = self.encoders.fit_preprocessor(recipe.data, recipe.model, train)
        self.scaler, self.text, self.mel = (
            getattr(self.preprocessor, part) for part in ("scaler", "text", "mel")
        )

    def transform(self, utterances):
        return self.encoders.embed(self.preprocessor.transform(utterances))

    def build(self, output_names, load_pretrained=True):
        return self.encoders.build_network(self.preprocessor, output_names, load_pretrained=load_pretrained)
