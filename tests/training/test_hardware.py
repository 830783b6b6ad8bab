"""How threads of the command line wait, what `import sentir` leaves alone, and how freed memory is reused."""

import os
import platform
import subprocess
import sys

import pytest

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
