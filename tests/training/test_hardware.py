"""How threads of the command line wait, what `import sentir` leaves alone, and how freed memory is reused."""

import os
import platform
import subprocess
import sys

import pytest
import torch

from sentir.training import hardware
from sentir.training.hardware import limit_threads

AVAILABLE = """
import os
from sentir.worker_processes import count_cores
os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
print(count_cores())
"""
THREADS = """
import os, sys
from sentir.cli import main
sys.argv = ["sentir", "--version"]
main()
print([os.environ.get(name) for name in ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT")])
"""
IMPORTS = """
import logging, os, warnings, numpy
before = dict(os.environ), list(warnings.filters), logging.root.level, list(logging.root.handlers)
import sentir
[getattr(sentir, name) for name in ("load_corpus", "LabelSpace", "clean_text")]
print(before == (dict(os.environ), list(warnings.filters), logging.root.level, list(logging.root.handlers)))
"""
FAULTS = """
import resource, sys, torch
from sentir.cli import main
sys.argv = ["sentir", "--version"]
main()
faults = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_minflt
pages = 2**26 // resource.getpagesize()
for step in range(30):
    if step == 20:
        before = faults()
    torch.ones(2**24)
print((faults() - before) / pages)
"""


def output(script, **variables):
    environment = {name: value for name, value in os.environ.items() if "OMP_" not in name} | variables
    run = subprocess.run(
        [sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True
    )
    return run.stdout.splitlines()[-1]


def test_importing_sentir_changes_nothing_in_the_process():
    assert output(IMPORTS) == "True"


def test_threads_of_the_command_line_spin_briefly_unless_the_environment_says_otherwise():
    assert output(THREADS) == "['PASSIVE', '1000']"
    assert output(THREADS, OMP_WAIT_POLICY="ACTIVE") == "['ACTIVE', None]"
    assert output(THREADS, GOMP_SPINCOUNT="5") == "['PASSIVE', '5']"


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc can be tuned")
def test_freed_memory_is_reused():
    assert float(output(FAULTS)) < 2  # of the pages of ten tensors; without reuse all ten are new


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="the system has no affinity")
def test_affinity_limits_the_available_processors():
    assert output(AVAILABLE) == "1"


@pytest.fixture
def four_processors(monkeypatch):
    monkeypatch.setattr(hardware, "count_cores", lambda: 4)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setenv("OMP_WAIT_POLICY", "PASSIVE")
    before = torch.get_num_threads()
    yield monkeypatch
    torch.set_num_threads(before)


@pytest.mark.parametrize(("threads", "limited"), [(1, 1), (3, 3), (4, 3), (8, 3)])
def test_a_training_leaves_a_processor_to_others_and_restores_the_threads(four_processors, threads, limited):
    torch.set_num_threads(threads)
    with pytest.raises(KeyError), limit_threads():
        assert torch.get_num_threads() == limited
        raise KeyError
    assert torch.get_num_threads() == threads
    four_processors.setenv("OMP_NUM_THREADS", "8")
    with limit_threads():
        assert torch.get_num_threads() == threads


@pytest.mark.parametrize(
    ("threads", "policy", "warned"), [(3, None, True), (3, "PASSIVE", False), (1, None, False)]
)
def test_threads_that_would_spin_beside_busy_programs_are_warned_of(four_processors, threads, policy, warned):
    torch.set_num_threads(threads)
    if policy is None:
        four_processors.delenv("OMP_WAIT_POLICY")
    four_processors.setattr("psutil.cpu_count", lambda: 4)
    warnings = []
    four_processors.setattr("sentir.logs.logger.warning", warnings.append)
    for percent, busy in ((5.0, False), (50.0, True)):
        four_processors.setattr("psutil.cpu_percent", lambda interval, percent=percent: percent)
        with limit_threads():
            assert bool(warnings) == (warned and busy)
