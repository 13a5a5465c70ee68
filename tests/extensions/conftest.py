import sys

import pytest

from l1ae import registry


@pytest.fixture(autouse=True)
def _nothing_stays(monkeypatch):
    """What a test registers or imports from another distribution is gone after it."""
    before = set(sys.modules)
    yield
    for kind in registry._registries:
        kind._added.clear()
        kind._found.clear()
    registry._loaded.clear()
    for name in set(sys.modules) - before:
        if name.partition(".")[0] in {"l1ae_example", "l1ae_other"}:
            del sys.modules[name]
