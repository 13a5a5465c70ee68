"""docs/models.md has every configuration, and says of it what the configuration says of itself."""

from pathlib import Path

import models_page
import pytest

from l1ae.errors import UserError

CONFIGS = Path(__file__).parents[2] / "configs"


def test_the_page_is_that_of_the_configurations():
    assert models_page.PAGE.read_text() == models_page.text()


def test_every_configuration_is_on_it():
    found = {
        path.relative_to(CONFIGS).with_suffix("").as_posix() for folder in ("", "inputs") for path in (CONFIGS / folder).glob("*.yaml")
    }
    rows = [line for line in models_page.PAGE.read_text().splitlines() if line.startswith("| `")]
    assert {row.split("`")[1] for row in rows} == found
    assert "small_cnn_vae" in found
    assert all(row.count(" | ") == 4 for row in rows)


def test_a_configuration_that_does_not_say_what_it_is_is_refused(tmp_path):
    path = tmp_path / "mute.yaml"
    path.write_text("# What it is,\n# in two lines.\n#\n# More.\nname: mute\n")
    assert models_page.comment(path) == "What it is, in two lines."
    path.write_text("name: mute\n")
    with pytest.raises(UserError, match="does not say what the model is"):
        models_page.comment(path)
