"""How threads wait and what becomes of freed memory, as the processes see it that import Sentir."""

import os
import platform
import subprocess
import sys

import pytest

WAYS = "import os, sentir; print([os.environ.get(n) for n in ('OMP_WAIT_POLICY', 'GOMP_SPINCOUNT')])"
FAULTS = """
import resource, torch
from sentir.training.hardware import tune_malloc
tune_malloc()
faults = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_minflt
pages = 2**26 // resource.getpagesize()
for step in range(30):
    if step == 20:
        before = faults()
    torch.ones(2**24)
print((faults() - before) / pages)
"""


def said(script, **more):
    environment = {name: value for name, value in os.environ.items() if "OMP_" not in name} | more
    run = subprocess.run(
        [sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True
    )
    return run.stdout.strip()


def test_threads_spin_a_little_unless_somebody_has_said_how_they_wait():
    assert said(WAYS) == "['PASSIVE', '1000']"
    assert said(WAYS, OMP_WAIT_POLICY="ACTIVE") == "['ACTIVE', None]"
    assert said(WAYS, GOMP_SPINCOUNT="5") == "['PASSIVE', '5']"


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc can be told to keep freed memory")
def test_a_tensor_takes_the_memory_that_the_last_one_left():
    assert float(said(FAULTS)) < 2  # of the pages of ten tensors; where none is kept all ten are new
