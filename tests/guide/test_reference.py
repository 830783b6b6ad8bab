"""The reference of settings and commands is complete: each is there, with its meaning."""

import pytest
import typer
from commands_page import write_commands
from guide_pages import LANGUAGES
from recipe_page import list_sections, meanings, own_fields, write_recipe_keys

from sentir.cli.app import app


@pytest.mark.parametrize("section", [one for _name, one in list_sections()], ids=lambda one: one.__name__)
def test_every_setting_of_a_recipe_has_a_meaning(section):
    assert {key for key, _field in own_fields(section)} <= set(meanings(section))


@pytest.mark.parametrize("language", LANGUAGES)
def test_settings_have_type_default_and_meaning(language):
    text = write_recipe_keys(language)
    assert "| `lr` | number > 0 | `0.001` | highest learning rate of new layers. |" in text
    assert '| `schedule` | `"cosine"`, `"linear"`, `"constant"` | `"cosine"` | ' in text
    assert all(f"## `[{name}]`" in text for name, _section in list_sections() if name)


def command_names(command, path=("sentir",)):
    """The full names of all commands."""
    yield " ".join(path)
    for name, inner in getattr(command, "commands", {}).items():
        yield from command_names(inner, (*path, name))


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_command_is_there(language):
    text = write_commands(language)
    assert all(f"## `{name}`" in text for name in command_names(typer.main.get_command(app)))
