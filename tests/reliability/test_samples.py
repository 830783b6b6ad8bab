"""A sample of each check of `make faults`: no case fails."""

import pytest
from faults.checks import select_checks
from faults.frame import group_of, run_checks

SAMPLED = [check for check in select_checks() if check.sample]


@pytest.fixture(scope="module")
def results():
    """The results of all samples; hostile inputs have a process of their own, as soaks leave threads."""
    ran = run_checks(
        SAMPLED, lambda check: check.sample, share_process=lambda check: str(group_of(check) == "hostile")
    )
    return {result.name: result for result in ran}


@pytest.mark.slow
@pytest.mark.parametrize("name", [check.name for check in SAMPLED])
def test_no_case_of_a_sample_fails(name, results):
    if results[name].unavailable:
        pytest.skip(results[name].unavailable)
    assert results[name].problems == []
