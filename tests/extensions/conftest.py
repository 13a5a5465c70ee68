import sys

import pytest

from l1ae import extensions


@pytest.fixture(autouse=True)
def _nothing_stays(monkeypatch):
    """What a test registers or imports from another distribution is gone after it."""
    before = set(sys.modules)
    yield
    for registry in extensions._registries:
        registry._added.clear()
        registry._found.clear()
    extensions._loaded.clear()
    for name in set(sys.modules) - before:
        if name.partition(".")[0] in {"l1ae_example", "l1ae_other"}:
            del sys.modules[name]
