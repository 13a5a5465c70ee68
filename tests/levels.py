"""Which of several cases run in `make quick`, which in `make test`, and which in `make test-all` alone (CONTRIBUTING.md)."""

from collections.abc import Collection, Iterable
from typing import Any

import pytest

__all__ = ["exhaustive", "slow"]


def slow(cases: Iterable[Any], quick: Collection[Any]) -> list[Any]:
    """Parameters of which those in `quick` run in `make quick`, too."""
    return _marked(cases, quick, pytest.mark.slow)


def exhaustive(cases: Iterable[Any], representative: Collection[Any]) -> list[Any]:
    """Parameters of a slow test of which those in `representative` run in `make test`, the others in `make test-all`."""
    return _marked(cases, representative, pytest.mark.exhaustive)


def _marked(cases: Iterable[Any], kept: Collection[Any], mark: pytest.MarkDecorator) -> list[Any]:
    cases = list(cases)
    assert all(case in cases for case in kept), f"{kept} are not all in {cases}"
    return [case if case in kept else pytest.param(*(case if isinstance(case, tuple) else (case,)), marks=mark) for case in cases]
