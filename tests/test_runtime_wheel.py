"""The wheel, built from the sdist and installed alone into an environment of its own: small and usable.

Where the laboratory is not installed, the tests that train a model are skipped (`make runtime`).
"""

import json
import os
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterable
from importlib.metadata import distributions
from pathlib import Path

import pytest
from packaging.utils import canonicalize_name

from runtime import LABORATORY, PREDICT, READ_AND_MEASURE, imports_only_the_runtime, write_inputs

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[1]
MAX_MEGABYTES, MAX_WHEEL_MEGABYTES = 450, 40
NOT_OURS = {"pip", "setuptools"}  # of every environment


class Environment:
    """A virtual environment with the wheel and what it depends on, and nothing of this one."""

    def __init__(self, folder: Path, wheel: Path) -> None:
        self.folder = folder
        self._call(sys.executable, "-m", "venv", folder)
        self._call(self.bin / "pip", "install", "--quiet", wheel, "-c", ROOT / "constraints.txt")

    @property
    def bin(self) -> Path:
        return self.folder / ("Scripts" if os.name == "nt" else "bin")

    def run(self, program: str, *arguments: object, expect: int = 0) -> str:
        """Run a program of the environment; returns what it printed, standard error after standard output."""
        done = self._call(self.bin / program, *arguments, expect=expect)
        return done.stdout + done.stderr

    def python(self, code: str, *arguments: object) -> str:
        """Run Python code; returns what it printed."""
        return self._call(self.bin / "python", "-c", code, *arguments).stdout

    def sizes(self) -> dict[str, float]:
        """Return package → megabytes that its files take, the largest first."""
        (site,) = (*self.folder.glob("lib/python*/site-packages"), *self.folder.glob("Lib/site-packages"))
        sizes = {
            canonicalize_name(one.name): megabytes(one.files or ()) for one in distributions(path=[str(site)])
        }
        return dict(sorted(sizes.items(), key=lambda item: -item[1]))

    def _call(self, *command: object, expect: int = 0) -> subprocess.CompletedProcess[str]:
        clean = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "SENTIR"))}
        homes = {f"SENTIR_{name}_DIR": str(self.folder / name.lower()) for name in ("STATE", "CACHE")}
        done = subprocess.run(
            [*map(str, command)], cwd=self.folder.parent, env=clean | homes, capture_output=True, text=True
        )
        assert done.returncode == expect, done.stdout + done.stderr
        return done


def megabytes(files: Iterable) -> float:
    return sum(path.stat().st_size for file in files if (path := Path(file.locate())).is_file()) / 1e6


@pytest.fixture(scope="module")
def sdist(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sdist")
    build = [sys.executable, "-m", "hatchling", "build", "--target", "sdist", "--directory", str(folder)]
    subprocess.run(build, cwd=ROOT, check=True)
    return next(folder.glob("sentir-*.tar.gz"))


@pytest.fixture(scope="module")
def wheel(sdist):
    build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", sdist.parent, sdist]
    subprocess.run([*map(str, build)], check=True)
    return next(sdist.parent.glob("sentir-*.whl"))


@pytest.fixture(scope="module")
def environment(wheel, tmp_path_factory):
    return Environment(tmp_path_factory.mktemp("runtime") / "venv", wheel)


@pytest.fixture
def trained(request):
    pytest.importorskip("torch")
    return request.getfixturevalue("trained_models")


def test_the_sdist_holds_what_a_checkout_does(sdist):
    with tarfile.open(sdist) as file:
        names = {name.partition("/")[2] for name in file.getnames()}
    assert {"pyproject.toml", "LICENSE", "Makefile", "constraints.txt", "recipes/meld.toml", "PKG-INFO"} <= names
    assert "tests/test_runtime_wheel.py" in names
    assert not {name for name in names if name.startswith((".venv", "runs/", "dist/"))}


def test_the_wheel_is_small_and_carries_its_licenses(wheel):
    assert wheel.stat().st_size <= MAX_WHEEL_MEGABYTES * 1e6
    names = zipfile.ZipFile(wheel).namelist()
    assert sum(".dist-info/licenses/" in name for name in names) == 3
    assert {name.partition("/")[0] for name in names if ".dist-info/" not in name} == {"sentir"}


def test_the_environment_is_small(environment):
    sizes = {name: size for name, size in environment.sizes().items() if name not in NOT_OURS}
    print(*(f"{size:7.1f} MB  {name}" for name, size in sizes.items()), sep="\n")
    print(f"{sum(sizes.values()):7.1f} MB")
    assert sizes["sentir"] > 1
    assert sum(sizes.values()) <= MAX_MEGABYTES


def test_the_starter_predicts(environment):
    assert '"label": "anger"' in environment.run("sentir", "predict", "--text", "Leave me alone!", "--json")


def test_the_laboratory_cannot_be_imported(environment):
    code = "import sys; from importlib.util import find_spec\nprint(*(n for n in sys.argv[1:] if find_spec(n)))"
    assert environment.python(code, *LABORATORY).split() == []


def test_help_works_and_training_says_what_to_install(environment):
    assert "Usage: sentir" in environment.run("sentir", "--help")
    assert "Usage: sentir train" in environment.run("sentir", "train", "--help")
    said = environment.run("sentir", "train", "meld-text", "--out", "model", expect=2)
    assert said.startswith("Error: 'sentir train' needs torch, ") and said.endswith(
        "pip install 'sentir[train]'.\n"
    )


def test_the_modules_of_the_runtime_are_imported(environment):
    source = ROOT / "src"
    files = [file.relative_to(source).with_suffix("") for file in source.rglob("*.py")]
    names = [".".join(file.parts).removesuffix(".__init__") for file in files]
    modules = list(filter(imports_only_the_runtime, names))
    assert {"sentir.api.prediction", "sentir.audio.decoding", "sentir.runtime.onnx_backend"} <= {*modules}
    environment.python(f"import {', '.join(sorted(modules))}")


def test_inputs_are_read_cleaned_and_measured(environment, tmp_path):
    environment.python(READ_AND_MEASURE, write_inputs(tmp_path))


@pytest.mark.parametrize(("name", "predicted"), {"dialogue": 7, "multimodal": 10, "speech": 5}.items())
def test_an_exported_model_predicts_texts_audio_and_both(name, predicted, environment, trained, tmp_path):
    rows = json.loads(environment.python(PREDICT, trained.folder(name, "onnx"), write_inputs(tmp_path)))
    assert len([problem for _id, problem, _p in rows if not problem]) == predicted
    inputs = {"text1": "I am happy.", "both": {"text": "Leave me alone!", "audio": tmp_path / "clip.wav"}}
    recognizer = trained.load(name, "torch")
    for key, problem, probabilities in rows:
        if key in inputs and not problem:
            expected = recognizer.predict(inputs[key]).probabilities
            assert probabilities == pytest.approx(expected, abs=1e-5)


def test_a_torch_model_says_what_to_install_or_to_export(environment, trained):
    folder = trained.folder("text", "torch")
    said = environment.run("sentir", "predict", folder, "--text", "hello", expect=2)
    assert "pip install 'sentir[train]'" in said and "sentir export" in said and said.count("\n") == 1
