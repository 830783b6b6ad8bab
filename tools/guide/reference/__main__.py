"""Print the pages of the reference, from the code, in the language of ``SENTIR_LANG``: a JSON object by name."""

import json

from api_page import write_api
from commands_page import write_commands
from http_page import write_http
from recipe_page import write_recipe_keys

from sentir.i18n import get_language

WRITERS = {
    "api": write_api,
    "recipe-keys": write_recipe_keys,
    "commands": write_commands,
    "http": write_http,
}

if __name__ == "__main__":
    print(json.dumps({name: write(get_language()) for name, write in WRITERS.items()}))
