import logging

import pytest

import l1ae


@pytest.fixture(scope="session")
def small(small_zero_bias):
    """Overrides that make a run on a few thousand crossings."""
    return {"data.source": str(small_zero_bias), "trigger.zero_bias": "data"}


@pytest.fixture(scope="session")
def run_folder(small, tmp_path_factory):
    """A density tree, as far as its working points and its evaluation."""
    folder = tmp_path_factory.mktemp("run") / "density_tree"
    for stage in ("trigger", "evaluate"):
        l1ae.run("density_tree", folder, to=stage, overrides=small)
    logging.getLogger("l1ae").handlers.clear()
    return folder
