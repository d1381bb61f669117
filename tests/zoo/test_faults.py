"""The zoo does not rot: every planted fault still finds its place in the code, exactly once."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.zoo.faults import ROOT, Fault, every_fault


@pytest.mark.parametrize("fault", every_fault(), ids=lambda fault: fault.name)
def test_a_fault_can_be_planted(fault: Fault) -> None:
    assert fault.find != fault.put
    assert (ROOT / fault.file).read_text("utf-8").count(fault.find) == 1
    for test in fault.tests:
        assert Path(ROOT, test.partition("::")[0]).exists(), test


def test_names_are_told_apart() -> None:
    names = [fault.name for fault in every_fault()]

    assert len(names) == len(set(names))
