"""The command line, from its help."""

import re

import typer
from typer.cli import get_docs_for_click

from sentir.cli.app import app

INTRODUCTIONS = {
    "en": "# Command line\n\nThe help of every command. [Which page explains which](howto.md).",
    "es": "# Línea de órdenes\n\nLa ayuda de cada orden. [Qué página explica cada una](howto.md).",
}
WORDS = {
    "es": {
        "**Usage**": "**Uso**",
        "**Options**": "**Opciones**",
        "**Arguments**": "**Argumentos**",
        "**Commands**": "**Órdenes**",
        "Show this message and exit.": "Muestra esta ayuda y termina.",
        "[required]": "[obligatorio]",
        "[default: ": "[por defecto: ",
    }
}


def write_commands(language: str) -> str:
    """Return the page."""
    command = typer.main.get_command(app)
    text = get_docs_for_click(obj=command, ctx=typer.Context(command, info_name="sentir"), name="sentir")
    text = re.sub(r"^# `sentir`\n", "## `sentir`\n", text)
    text = re.sub(r"^## (`sentir \w+ )", r"### \1", text, flags=re.MULTILINE)
    for english, other in WORDS.get(language, {}).items():
        text = text.replace(english, other)
    return f"{INTRODUCTIONS[language]}\n\n{text.rstrip()}\n"
