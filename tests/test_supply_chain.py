"""The lock file, the constraints, the project's requirements and the list of licenses agree."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
UNLOCKED = {"torch", "torchvision"}  # whose builds for CPUs and GPUs have different hashes


def canonical(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def read_pins(text):
    return {canonical(name): version for name, version in re.findall(r"^([\w.-]+)==([^\s;\\]+)", text, re.M)}


@pytest.fixture(scope="module")
def lock():
    return (ROOT / "requirements.lock").read_text(encoding="utf-8")


def test_the_lock_file_has_the_versions_of_the_constraints(lock):
    constraints = read_pins((ROOT / "constraints.txt").read_text(encoding="utf-8"))
    locked = read_pins(lock)
    different = {
        name: (version, locked.get(name)) for name, version in constraints.items() if locked.get(name) != version
    }
    assert set(different) == UNLOCKED, f"run make lock: {different}"


def test_every_requirement_of_the_project_is_locked(lock):
    tree = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    groups = [*tree["project"]["optional-dependencies"].values(), *tree.get("dependency-groups", {}).values()]
    listed = [
        *tree["project"]["dependencies"],
        *(one for group in groups for one in group if isinstance(one, str)),
    ]
    names = {canonical(re.match(r"[\w.-]+", one)[0]) for one in listed} - {"sentir"} - UNLOCKED
    assert names - set(read_pins(lock)) == set()


def test_every_locked_version_has_hashes_and_nothing_comes_from_elsewhere(lock):
    entries = [entry for entry in re.split(r"^(?=[\w])", lock, flags=re.M) if not entry.startswith("#")]
    assert len(entries) > 100
    for entry in entries:
        assert re.search(r"--hash=sha256:[0-9a-f]{64}", entry), entry.splitlines()[0]
    assert not re.search(r"://|--index|--find-links|file:| @ ", lock)


def test_the_list_of_licenses_has_the_same_packages_in_both_languages():
    rows = {}
    for language in ("en", "es"):
        text = (ROOT / "docs" / language / "licenses.md").read_text(encoding="utf-8")
        rows[language] = re.findall(r"^\| ([a-z0-9-]+) \| (\S+) \|", text, re.M)
    assert rows["en"] == rows["es"]
    runtime = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["dependencies"]
    assert {canonical(re.match(r"[\w.-]+", one)[0]) for one in runtime} <= {name for name, _version in rows["en"]}
