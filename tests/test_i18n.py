"""The translation catalog is complete and compiled, and messages are translated."""

import ast
import importlib.util
import string
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest
from babel.messages.pofile import read_po
from hypothesis import given
from hypothesis import strategies as st

from sentir import i18n
from sentir.i18n import _, get_language, preferred_language, set_language, use_language

ROOT = Path(__file__).parents[1]
REFRESH = "update the catalog with `make messages`, then translate what it prints"
TRANSLATED = [code for code in i18n.LANGUAGES if code != "en"]


def _load_tool():
    spec = importlib.util.spec_from_file_location("translations", ROOT / "tools" / "translations.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


translations = _load_tool()
extracted = translations.extract_messages()


def read(path):
    with path.open("rb") as file:
        return read_po(file)


def fields(text):
    """Return name, conversion and format of every placeholder."""
    parsed = string.Formatter().parse(text)
    return {(name, conversion, form) for _text, name, form, conversion in parsed if name is not None}


def edges(text):
    return len(text) - len(text.lstrip()), len(text) - len(text.rstrip())


@pytest.fixture(params=TRANSLATED)
def catalog(request):
    return read(translations.catalog_path(request.param))


def test_extraction_finds_messages_in_modules_templates_and_constants():
    assert {"The table {path} has no rows.", "Evaluations on test", "cleaning step"} <= set(extracted)


def test_no_message_is_an_f_string():
    calls = [
        node
        for path in (ROOT / "src" / "sentir").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in ("_", "gettext_noop")
    ]
    assert len(calls) > 100
    assert [ast.unparse(call) for call in calls if isinstance(call.args[0], ast.JoinedStr | ast.BinOp)] == []


def test_the_catalog_has_exactly_the_messages_of_the_sources(catalog):
    assert sorted(entry.id for entry in catalog if entry.id) == extracted, REFRESH
    assert not catalog.obsolete, REFRESH


def test_all_messages_are_translated_and_none_is_fuzzy(catalog):
    assert [entry.id for entry in catalog if entry.id and not entry.string] == []
    assert [entry.id for entry in catalog if entry.id and entry.fuzzy] == []


def test_a_translation_has_the_placeholders_of_its_message(catalog):
    wrong = [entry.id for entry in catalog if entry.id and fields(entry.string) != fields(entry.id)]
    assert wrong == []
    assert fields("{a} {b!r} {c:.2f}") == {("a", None, ""), ("b", "r", ""), ("c", None, ".2f")}


def test_a_translation_has_the_spaces_around_its_message(catalog):
    assert [entry.id for entry in catalog if entry.id and edges(entry.string) != edges(entry.id)] == []


@pytest.mark.parametrize("code", TRANSLATED)
def test_updating_the_catalog_changes_nothing(code):
    fresh = translations.refresh_catalog(code, extracted)
    assert translations.catalog_path(code).read_bytes() == translations.to_po(fresh), REFRESH
    assert translations.catalog_path(code).with_suffix(".mo").read_bytes() == translations.to_mo(fresh), REFRESH


def test_an_update_keeps_translations_drops_obsolete_ones_and_guesses_nothing(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(translations, "LOCALES", tmp_path)
    monkeypatch.setattr(translations, "extract_messages", lambda: ["known", "new sentence", "unsure"])
    po = translations.catalog_path("es")
    po.parent.mkdir(parents=True)
    po.write_text(
        'msgid "known"\nmsgstr "guardada"\n\nmsgid "new sentences"\nmsgstr "frases nuevas"\n\n'
        '#, fuzzy\nmsgid "unsure"\nmsgstr "dudosa"\n'
    )
    assert translations.main() == 1
    assert {entry.id: entry.string for entry in read(po) if entry.id} == {
        "known": "guardada",
        "new sentence": "",
        "unsure": "",
    }
    assert "frases nuevas" not in po.read_text()
    assert capsys.readouterr().out.splitlines() == [
        "es: 3 messages, 2 to translate",
        "  'new sentence'",
        "  'unsure'",
    ]
    monkeypatch.setattr(translations, "extract_messages", lambda: ["known"])
    assert translations.main() == 0


def test_a_message_is_translated_and_then_formatted():
    sentence = "Utterances without a text: {n}."
    assert _(sentence, n=3) == "Utterances without a text: 3."
    with use_language("es"):
        assert _(sentence, n=3) == "Enunciados sin texto: 3."


@given(st.text())
def test_values_are_inserted_verbatim(value):
    for code in i18n.LANGUAGES:
        with use_language(code):
            assert _("{n} s", n=value) == f"{value} s"


def test_a_message_without_values_keeps_its_braces():
    assert _("a set is written {1, 2}") == "a set is written {1, 2}"
    with use_language("es"):
        assert _("Utterances without a text: {n}.") == "Enunciados sin texto: {n}."


def test_an_unknown_message_stays_english():
    with use_language("es"):
        assert _("a {thing} of a plug-in", thing="label") == "a label of a plug-in"


def test_without_a_catalog_messages_are_english(tmp_path, monkeypatch):
    monkeypatch.setattr(i18n, "_LOCALES", tmp_path)
    i18n._catalog.cache_clear()
    try:
        with use_language("es"):
            assert _("The table {path} has no rows.", path="a.csv") == "The table a.csv has no rows."
    finally:
        i18n._catalog.cache_clear()


def test_languages_nest_and_are_restored_even_after_an_error():
    with use_language("es"):
        with use_language("en"):
            assert get_language() == "en" and _("fear") == "fear"
        assert get_language() == "es" and _("fear") == "miedo"
    assert get_language() == "en"
    with pytest.raises(KeyError), use_language("es"):
        raise KeyError
    assert get_language() == "en"


def test_an_unknown_language_is_refused_and_changes_nothing():
    set_language("es")
    with pytest.raises(ValueError, match="'fr' is not one of en, es"):
        set_language("fr")
    with pytest.raises(ValueError, match="'fr'"), use_language("fr"):
        pass
    assert get_language() == "es"


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({}, "en"),
        ({"LANG": "es_ES.UTF-8"}, "es"),
        ({"LANG": "es_ES.UTF-8", "LC_MESSAGES": "en_US.UTF-8"}, "en"),
        ({"LC_MESSAGES": "en_US.UTF-8", "LC_ALL": "es"}, "es"),
        ({"LC_ALL": "es_MX", "SENTIR_LANG": "en"}, "en"),
        ({"LC_ALL": "C", "SENTIR_LANG": "ES"}, "es"),
        ({"SENTIR_LANG": "", "LANG": "es"}, "es"),
        ({"LANG": "fr_FR.UTF-8"}, "en"),
    ],
)
def test_the_environment_sets_the_language(variables, expected, monkeypatch):
    for name in ("SENTIR_LANG", "LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert preferred_language() == expected


def test_two_threads_speak_two_languages_at_once():
    barrier = Barrier(2)

    def translate(code):
        set_language(code)
        barrier.wait(timeout=10)
        return get_language(), _("label"), i18n.format_decimal(0.5, 1)

    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(translate, ("es", "en"))) == [("es", "etiqueta", "0,5"), ("en", "label", "0.5")]
    assert get_language() == "en"


@pytest.mark.parametrize(
    ("size", "english", "spanish"),
    [(0, "0 B", "0 B"), (1_000, "1.0 kB", "1,0 kB"), (10_878_146_150, "10.9 GB", "10,9 GB")],
)
def test_sizes_are_human_readable_in_both_languages(size, english, spanish):
    assert i18n.format_bytes(size) == english
    with use_language("es"):
        assert i18n.format_bytes(size) == spanish
