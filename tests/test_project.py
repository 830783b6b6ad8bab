"""Files of the project that say the same thing agree: versions, ranges and pins, targets and who calls them."""

import re
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parents[1]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PROJECT = PYPROJECT["project"]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
UNPINNED = {"datasets", "kagglehub"}  # extras that `make install` leaves out


def requirements():
    groups = PYPROJECT["dependency-groups"].values()
    listed = [PROJECT["dependencies"], *PROJECT["optional-dependencies"].values(), *groups]
    lines = [line for lines in listed for line in lines if isinstance(line, str)]
    return [one for one in map(Requirement, lines) if one.name != "sentir"]


def test_versions_agree():
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    changes = re.findall(r"^## (\S+)$", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert cited["version"] == changes[0] == PROJECT["version"]
    assert changes == sorted(changes, key=Version, reverse=True)


def test_licenses_and_authors_agree():
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert cited["license"] == PROJECT["license"].split(" AND ")[0]  # that of the code
    assert [one["name"] for one in cited["authors"]] == [one["name"] for one in PROJECT["authors"]]
    assert PROJECT["authors"][0]["name"] in (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert all(list(ROOT.glob(pattern)) for pattern in PROJECT["license-files"])


def test_every_dependency_has_a_pin_within_its_range():
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = {canonicalize_name(name): pin for name, _, pin in (x.partition("==") for x in lines) if pin}
    for one in requirements():
        name = canonicalize_name(one.name)
        assert name in UNPINNED or pins[name] in one.specifier, one


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_workflows_call_targets_that_exist(path):
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    jobs = yaml.safe_load(path.read_text(encoding="utf-8"))["jobs"].values()
    commands = [step["run"] for job in jobs for step in job["steps"] if step.get("run", "").startswith("make ")]
    called = {word for command in commands for word in command.split()[1:] if "=" not in word}
    assert called and called <= targets


def test_every_target_is_phony():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    assert targets == set(re.search(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)[1].split())
