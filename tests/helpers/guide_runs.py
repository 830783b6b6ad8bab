"""Where the examples of the guide are run, and why some are not."""

RUN_BY = {
    ("backbones", "python"): "tests/guide/test_code_blocks.py",
    ("extending", "python"): "tests/test_extending.py",
    ("first-prediction", "python"): "tests/guide/test_code_blocks.py",
    ("hub", "python"): "tests/recognizer/test_hub.py",
    ("hub", "sh"): "tests/recognizer/test_hub.py",
    ("models", "python"): "tests/guide/test_code_blocks.py",
    ("page", "python"): "tests/serving/test_page_assets.py",
    ("predicting", "python"): "tests/test_predicting_page.py",
    ("predicting", "sh"): "tests/test_predicting_page.py",
    ("serving", "python"): "tests/serving/test_serving_page.py",
    ("walk", "python"): "tests/guide/test_code_blocks.py",
}
"""Page and language of a block → the test that runs it."""

EXECUTED = (
    "training",
    "audit",
    "cleaning",
    "views",
    "preparing",
    "explaining",
    "export",
    "lawful-use",
    "studies",
    "tables",
    "own-table",
    "tuning",
    "timeline",
    "recording",
    "troubleshooting",
    "first-prediction",
)
"""Pages whose commands and code `tests/guide/test_runs.py` runs, in this order, in one folder."""

_INSTALLS = "installs packages; tests/test_runtime_wheel.py installs the wheel and uses it"
_SERVES = "runs until it is stopped; tests/serving starts servers"
_DOWNLOADS = "needs Kaggle or the network"
_HUB = "needs weights of the hub"
_CORPUS = "needs a published corpus"
_DEMO = "synthesizes the demo corpora, which takes minutes; tests/demo and the notebooks use them"
_SCRIPT = "a benchmark, which takes minutes"
_ACCELERATOR = "a training that takes minutes; tests/training has the same in small"
_OWN_CORPUS = "needs a table with recordings; tests/cli/test_corpora.py has such ones"

NOT_EXECUTED = {
    "README": {
        "pip ": _INSTALLS,
        "sentir serve": _SERVES,
        "sentir predict": "run on the page of the first prediction",
        "sentir corpus init": "run on the page of an own table",
        "sentir study talks": "run on the page of an own table",
        "make ": "the continuous integration runs it",
        "import sentir": "run by tests/guide/test_code_blocks.py",
        "from sentir": _DEMO,
    },
    "backbones": {"hf download": _HUB, "python -c": _HUB, "rm ": _HUB, "sentir train": _HUB},
    "bench": {"sentir bench": "takes minutes; tests/bench runs the benchmarks in small"},
    "corpora": {"sentir corpus get": _DOWNLOADS, "sentir corpus": _CORPUS},
    "data-size": {"python benchmarks": _SCRIPT},
    "export": {"from sentir": "the same export as that of the command"},
    "explaining": {"sentir explain models/mine --file": "needs a model with audio; tests/explanation has it"},
    "first-prediction": {"pip ": _INSTALLS},
    "getting": {"sentir corpus get": _DOWNLOADS, "from pathlib": _DOWNLOADS},
    "inflated-scores": {"python benchmarks": _SCRIPT},
    "lawful-use": {"sentir serve": _SERVES},
    "meld": {"sentir corpus": "needs its spectrograms; run on the pages of the audit and of preparation"},
    "meld-from-kaggle": {"": _DOWNLOADS},
    "models": {"sentir train": _ACCELERATOR, "sentir predict models/two": _ACCELERATOR},
    "notebook": {"": "tests/notebooks runs the notebooks"},
    "own-table": {
        "pip ": _INSTALLS,
        "sentir corpus audit mine.toml": _OWN_CORPUS,
        "sentir train mine.toml": _OWN_CORPUS,
    },
    "page": {"sentir serve": _SERVES},
    "predicting": {
        "sentir predict models/mine": "needs a model with speaker normalization; tests/cli has it",
        "sentir export": "run on the page of exports",
        "sentir predict models/mine-onnx": "run on the page of exports",
    },
    "preparing": {"python benchmarks": _SCRIPT},
    "recording": {
        "pip ": _INSTALLS,
        "sentir train demo-meld": _DEMO,
        "sentir train ravdess": _CORPUS,
        "sentir timeline models/ravdess": _CORPUS,
    },
    "report": {
        "sentir study recipes/ablate": "tests/study/test_ablation.py runs ablations",
        "import sentir": "tests/study runs studies, and tests/report draws every figure",
    },
    "scaling": {
        "sentir predict": "tests/engines predicts with every engine and in shares",
        "sentir embed": "needs GPUs; tests/engines has the same workers without",
        "ray start": "tests/engines/test_ray.py starts a cluster",
    },
    "serving": {
        "sentir serve": _SERVES,
        "curl": "run by tests/serving/test_serving_page.py",
        "sentir card": "run on the page of lawful use",
    },
    "studies": {
        "sentir study recipes/": _CORPUS,
        "sentir demo": _DEMO,
        "sentir corpus audit meld --root runs/data": _DEMO,
        "sentir corpus prepare meld --root runs/data": _DEMO,
        "sentir train recipes/demo": _DEMO,
        "sentir evaluate runs/": _DEMO,
        "sentir predict runs/": _DEMO,
    },
    "timeline": {
        "sentir timeline models/mine talk.mp3": "run with another recording on the page of recordings",
        "sentir timeline models/mine recordings/": "tests/timelines has folders and RTTM",
        "timeline = ": "run with another recording on the page of recordings",
        "sentir corpus init corrected.eaf": "needs corrections of ELAN; tests/timelines has them",
        "sentir train corrected.toml": "needs corrections of ELAN; tests/timelines has them",
    },
    "training": {
        "sentir train corrections.toml": "tests/training/test_warm_start.py continues trainings",
        "torchrun": "tests/training/test_distributed.py starts two processes",
    },
    "tables": {"sentir predict MODEL": "run on the page of predictions"},
    "views": {"import sentir": "needs `datasets`, which the tests do not install"},
}
"""Page → start of a line or of a block of code → why `tests/guide/test_runs.py` leaves it out."""
