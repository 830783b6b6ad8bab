"""The saved artefact: a trained model with everything between an utterance and its labels."""
