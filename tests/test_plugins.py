"""Plug-ins: one file or an installed package, loaded once, undone if it fails, and named in every message."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from plugin_state import unload_all

from sentir import plugins
from sentir.errors import PluginError, RecipeError, SentirError, UnknownNameError
from sentir.features import FEATURE_SETS
from sentir.i18n import use_language
from sentir.plugins import (
    PluginFailures,
    explain_plugin_failure,
    is_loaded,
    load_plugin,
    load_plugins,
    loaded_files,
)
from sentir.readers import READERS, read_corpus
from sentir.recipe import DataSettings, Recipe
from sentir.recipe.recipe_plugins import list_recipe_plugins
from sentir.registry import Registry

SETTINGS = """
from __future__ import annotations
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar
from sentir.readers import register_reader
from sentir.recipe import Section

@dataclass
class Row:
    words: list[str] = field(default_factory=list)
    kind: ClassVar[str] = "row"

class ChatSettings(Section):
    recipe_paths: ClassVar[tuple[str, ...]] = ("names",)
    column: str
    names: Path | None = None
    limit: int = 3

@register_reader("chat", settings=ChatSettings)
def read(root, data):
    return data.settings_of(ChatSettings)
"""


@pytest.fixture(autouse=True)
def new_process():
    """Leave no plug-in loaded."""
    unload_all()
    yield
    unload_all()


def write(path: Path, source: str) -> Path:
    path.write_text(source, encoding="utf-8")
    return path


def registering(name: str) -> str:
    return f"from sentir.readers import READERS\nREADERS.register('{name}')(lambda root, data: __name__)\n"


def test_a_file_registers_on_load_and_is_run_once_whatever_the_form_of_its_path(tmp_path, monkeypatch):
    file = write(
        tmp_path / "mine.py",
        registering("mine") + "from pathlib import Path\nPath('runs').open('a').write('x')\n",
    )
    monkeypatch.chdir(tmp_path)
    os.symlink(file, tmp_path / "link.py")
    first = load_plugin(file)
    load_plugins([Path("mine.py"), str(tmp_path / "link.py"), tmp_path / "." / "mine.py"])
    load_plugins("mine.py")
    assert Path("runs").read_text() == "x" and loaded_files() == [file.resolve()]
    assert READERS.plugin_of("mine") == first and first.name == "mine.py" and is_loaded("link.py")


def test_a_file_that_has_changed_replaces_what_it_registered(tmp_path):
    file = write(tmp_path / "mine.py", registering("old"))
    load_plugin(file)
    write(file, registering("new"))
    assert not is_loaded(file)
    load_plugin(file)
    assert "new" in READERS and "old" not in READERS and READERS.plugin_of("old") is None


def test_a_name_that_exists_is_refused_and_both_owners_are_named(tmp_path):
    one, two = write(tmp_path / "one.py", registering("mine")), write(tmp_path / "two.py", registering("mine"))
    load_plugin(one)
    with pytest.raises(
        PluginError, match=r"reader 'mine' of the plug-in .*two\.py exists .* the plug-in .*one\.py has"
    ):
        load_plugin(two)
    with pytest.raises(PluginError, match=r"reader 'meld' of the plug-in .*meld\.py exists already: Sentir has"):
        load_plugin(write(tmp_path / "meld.py", registering("meld")))
    assert READERS.get("mine")(None, None).startswith("sentir_plugin_one")


def test_a_plugin_that_fails_leaves_nothing_registered(tmp_path):
    file = write(tmp_path / "mine.py", registering("mine") + "\n\n1 / 0\n")
    before = set(sys.modules)
    with (
        use_language("en"),
        pytest.raises(
            PluginError, match=r"^The plug-in .*mine\.py failed in line 5: ZeroDivisionError: division by zero\.$"
        ),
    ):
        load_plugin(file)
    assert "mine" not in READERS and not loaded_files() and sys.modules.keys() == before
    load_plugin(write(file, registering("mine")))
    assert "mine" in READERS


def test_a_file_of_sentir_that_a_plugin_imports_first_stays_when_the_plugin_fails(tmp_path):
    code = (
        "import sys\nfrom sentir.plugins import load_plugin\nfrom sentir.errors import PluginError\n"
        "try: load_plugin(sys.argv[1])\nexcept PluginError: pass\n"
        "from sentir.corpus.cleaning import CLEANING_STEPS\nassert 'lowercase' in CLEANING_STEPS\n"
    )
    file = write(tmp_path / "mine.py", "import sentir.corpus.cleaning\n1 / 0\n")
    subprocess.run([sys.executable, "-c", code, str(file)], check=True)


def test_the_message_for_a_missing_plugin_is_one_sentence(tmp_path):
    with use_language("en"), pytest.raises(SentirError, match=r"none\.py does not exist"):
        load_plugin(tmp_path / "none.py")


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("notes.txt", b"x = 1", r"cannot be loaded \(its name does not end in \.py\)"),
        ("broken.py", b"x = 1\ndef", r"cannot be loaded \(invalid syntax .*line 2"),
        ("binary.py", b"\x00\xff\x01", r"cannot be loaded \(.*(null byte|utf-8)"),
        (
            "imports.py",
            b"x = 1\nimport no_such_module",
            "failed in line 2: ModuleNotFoundError: .*no_such_module",
        ),
        ("exits.py", b"raise SystemExit(3)", "failed in line 1: SystemExit: 3"),
    ],
)
def test_the_message_for_a_broken_plugin_has_path_and_reason(tmp_path, name, content, why):
    (tmp_path / name).write_bytes(content)
    with use_language("en"), pytest.raises(PluginError, match=rf"{name} {why}"):
        load_plugin(tmp_path / name)


def test_a_plugin_has_dataclasses_with_postponed_annotations(tmp_path):
    load_plugin(write(tmp_path / "chat.py", SETTINGS))
    assert "chat" in READERS


def test_a_reader_has_a_section_of_the_recipe_validated_with_the_usual_messages(tmp_path):
    recipe = write(tmp_path / "r.toml", 'plugins = ["chat.py"]\n[data]\nreader = "chat"\nchat.column = "a"\n')
    write(tmp_path / "chat.py", SETTINGS)
    loaded = Recipe.load(recipe, ["data.chat.limit=5"], allow_plugins=True)
    assert read_corpus_settings(loaded) == ("a", 5)
    assert Recipe.parse(loaded.to_dict()) == loaded
    for override, message in {
        "data.chat.colum=x": r"there is no setting 'data.chat.colum'; did you mean 'column'",
        "data.chat.limit=x": r"'data.chat.limit' cannot be 'x': give a whole number",
        "data.chatt.limit=1": r"there is no setting 'data.chatt'; did you mean 'chat'",
        "data.meld.duplicate_clips=x": r"'data.meld.duplicate_clips' cannot be 'x': give one of nearest",
    }.items():
        with pytest.raises(RecipeError, match=message):
            Recipe.load(recipe, [override])
    with pytest.raises(RecipeError, match=r"the setting 'data.chat.column' is missing"):
        READERS.get("chat")(None, DataSettings(reader="chat"))


def read_corpus_settings(recipe: Recipe) -> tuple[str, int]:
    settings = READERS.get("chat")(None, recipe.data)
    return settings.column, settings.limit


def test_paths_in_a_readers_section_are_relative_to_the_recipe(tmp_path, monkeypatch):
    recipe = tmp_path / "deep" / "r.toml"
    recipe.parent.mkdir()
    write(recipe, 'plugins = ["../chat.py"]\n[data]\nreader = "chat"\nchat = {column = "a", names = "n.txt"}\n')
    write(tmp_path / "chat.py", SETTINGS)
    monkeypatch.chdir(tmp_path)
    loaded = Recipe.load("deep/r.toml", allow_plugins=True)
    assert READERS.get("chat")(None, loaded.data).names == Path("deep/n.txt") and loaded.plugins == (
        Path("chat.py"),
    )


def test_the_section_of_a_reader_that_is_not_loaded_is_kept(tmp_path):
    tree = {"name": "r", "data": {"reader": "chat", "chat": {"column": "a", "limit": 4}}}
    recipe = Recipe.parse(tree)
    assert recipe.to_dict()["data"]["chat"] == tree["data"]["chat"] and recipe.override({"train": {"lr": 1}})
    with pytest.raises(UnknownNameError):
        read_corpus(recipe.data, tmp_path)
    load_plugin(write(tmp_path / "chat.py", SETTINGS))
    assert read_corpus_settings(recipe) == ("a", 4)


def test_a_reader_with_settings_cannot_have_the_name_of_a_setting(tmp_path):
    source = SETTINGS.replace('"chat"', '"root"')
    with pytest.raises(PluginError, match=r"'data\.root' is a setting"):
        load_plugin(write(tmp_path / "chat.py", source))
    assert "root" not in READERS


def test_a_recipe_does_not_run_a_plugin_unless_it_is_allowed(tmp_path):
    recipe = write(tmp_path / "r.toml", 'plugins = ["mine.py"]\n[data]\nreader = "mine"\n')
    file = write(tmp_path / "mine.py", registering("mine"))
    assert list_recipe_plugins(recipe) == (file,)
    with pytest.raises(
        PluginError, match=rf"r\.toml runs the plug-in {file}, which is Python code.*--allow-plugins"
    ):
        Recipe.load(recipe)
    assert "mine" not in READERS
    load_plugin(file)
    assert Recipe.load(recipe).plugins == (file,) and list_recipe_plugins(recipe) == ()
    write(file, registering("mine") + "# changed\n")
    with pytest.raises(PluginError, match="which is Python code"):
        Recipe.load(recipe)
    with pytest.raises(RecipeError, match=r"'plugins' cannot be 3: give a list"):
        Recipe.load(recipe, ["plugins=3"])


def test_the_line_of_a_plugin_that_raises_an_exception_is_found(tmp_path):
    load_plugin(write(tmp_path / "bad.py", registering("bad").replace("__name__", "\n  int('x')")))
    with pytest.raises(ValueError) as caught:
        READERS.get("bad")(None, None)
    sentence = explain_plugin_failure(caught.value)
    assert sentence.startswith(
        f"The plug-in {tmp_path.resolve() / 'bad.py'} failed in line 3: ValueError: invalid literal"
    )
    assert explain_plugin_failure(ValueError("mine")) == ""
    with pytest.raises(PluginError, match=r"bad\.py failed in line 3"), PluginFailures():
        READERS.get("bad")(None, None)
    with pytest.raises(ValueError, match="mine"), PluginFailures():
        raise ValueError("mine")


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """Install a distribution whose entry point is a module; return a function that writes it."""
    monkeypatch.syspath_prepend(str(tmp_path))

    def install(module: str, source: str, version: str = "1.2") -> None:
        write(tmp_path / f"{module}.py", source)
        folder = tmp_path / f"sentir_{module}-{version}.dist-info"
        folder.mkdir()
        write(folder / "METADATA", f"Metadata-Version: 2.1\nName: sentir-{module}\nVersion: {version}\n")
        write(folder / "entry_points.txt", f"[{plugins.ENTRY_POINT_GROUP}]\n{module} = {module}\n")

    yield install
    for name in [name for name in sys.modules if name.startswith("installed_")]:
        del sys.modules[name]


def test_an_installed_package_registers_through_its_entry_point(installed):
    installed("installed_lines", registering("lines"))
    assert "lines" in READERS
    plugin = READERS.plugin_of("lines")
    assert (
        plugin.package == "sentir-installed_lines 1.2" and plugin.name == "installed_lines" and not plugin.sha256
    )
    assert READERS.get("lines")(None, None) == "installed_lines"


def test_installed_plugins_are_loaded_only_when_a_name_is_not_known(installed):
    installed("installed_lines", registering("lines"))
    assert "meld" in READERS and READERS.get("meld") and "installed_lines" not in sys.modules
    assert "lines" in list(READERS) and "installed_lines" in sys.modules


def test_an_installed_plugin_that_cannot_be_loaded_is_left_out_with_a_warning(installed, caplog):
    installed("installed_bad", registering("half") + "1 / 0\n")
    installed("installed_taken", registering("meld"))
    installed("installed_good", registering("good"))
    assert "good" in READERS and "half" not in READERS
    text = " ".join(record.getMessage() for record in caplog.records)
    assert "installed_bad (sentir-installed_bad 1.2)" in text and "failed in line 3: ZeroDivisionError" in text
    assert "reader 'meld' of the plug-in installed_taken" in text and len(caplog.records) == 2


def test_one_plugin_registers_in_several_registries(tmp_path):
    source = registering("both") + (
        "import numpy as np\nfrom sentir.features import FEATURE_SETS, FeatureSet\n"
        "FEATURE_SETS.register('both')(FeatureSet(lambda rows: {'n': np.zeros(len(rows))}))\n"
    )
    plugin = load_plugin(write(tmp_path / "both.py", source))
    assert READERS.plugin_of("both") == FEATURE_SETS.plugin_of("both") == plugin
    assert Registry("reader", {"both": 1}).plugin_of("both") is None
