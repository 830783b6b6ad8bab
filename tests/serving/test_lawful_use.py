"""The declared purpose, the notice, and the compliance card."""

import sys

import pytest

from sentir.api import model_card
from sentir.cli import main
from sentir.errors import SentirError
from sentir.serving.app import create_app
from sentir.serving.purposes import PURPOSES, PurposeError, check_purpose, notice
from sentir.serving.settings import ServerSettings

PROHIBITED = {"workplace", "education"}


@pytest.mark.parametrize("purpose", ["", *PURPOSES])
def test_models_with_audio_need_a_purpose_that_is_not_prohibited(purpose, both_model, text_model):
    create_app({"text": text_model}, ServerSettings(purpose=purpose))
    models = {"text": text_model, "both": both_model}
    if purpose and purpose not in PROHIBITED:
        create_app(models, ServerSettings(purpose=purpose))
        return
    with pytest.raises(PurposeError, match="'both' infers emotions from voices") as refused:
        create_app(models, ServerSettings(purpose=purpose))
    assert ("Art. 5(1)(f)" in str(refused.value)) == bool(purpose)


def test_an_unknown_purpose_and_no_model_are_refused():
    with pytest.raises(PurposeError, match=r"no purpose 'fun'; known: research, .*education"):
        check_purpose("fun", ())
    with pytest.raises(SentirError, match="no model to serve"):
        create_app({})


def test_notices_say_what_is_used_and_why():
    with_audio, of_text = (notice("research", uses_audio=uses_audio) for uses_audio in (True, False))
    assert "Art. 50(3)" in with_audio and "scientific research" in with_audio
    assert "no biometric data" in of_text and "Art. 50(3)" not in of_text
    assert "Purpose" not in notice("", uses_audio=False)


def test_the_compliance_card_of_models_with_and_without_audio(text_model, both_model):
    of_text = model_card(text_model, compliance=True).to_markdown()
    with_audio = model_card(both_model, compliance=True).to_markdown()
    assert "not an emotion recognition system" in of_text and "Annex III" not in of_text
    assert "Annex III, point 1(c)" in with_audio and "Art. 50(3)" in with_audio
    for text in (of_text, with_audio):
        for heading in ("Intended use", "Data", "Accuracy by group", "Limitations", "Human oversight"):
            assert f"\n## {heading}\n" in text
        assert "names no groups" in text or "No scores" in text
    assert model_card(text_model).to_markdown() != of_text


def test_the_card_is_printed_and_written(text_model, tmp_path, monkeypatch, capsys):
    text_model.save_pretrained(tmp_path / "model")
    for arguments in ([], ["--out", str(tmp_path / "card.md")]):
        monkeypatch.setattr(sys, "argv", ["sentir", "card", str(tmp_path / "model"), "--compliance", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        assert not ended.value.code
    printed = capsys.readouterr().out
    assert printed.startswith("# Compliance: ")
    assert (tmp_path / "card.md").read_text(encoding="utf-8") == printed[: printed.rindex("Written:")]
