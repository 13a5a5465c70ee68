"""`l1ae configs`, and commands that are given a name."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from l1ae.cli._configs import ConfigFile, configs
from l1ae.config import config_names
from l1ae.errors import UserError

CONFIGS = Path(__file__).parents[2] / "configs"


def test_one_line_each():
    printed = CliRunner().invoke(configs, catch_exceptions=False).stdout.splitlines()
    names = [*config_names(), *config_names("study"), *config_names("generator configuration")]
    assert [line.split()[0] for line in printed if line.startswith("  ")] == names
    assert next(line for line in printed if line.split()[0] == "dnn_ae").endswith(
        "  Dense autoencoder of arXiv:2108.03986, 57-32-16-3-16-32-57, scored by the squared reconstruction error"
    )


def test_one_of_them_as_it_is():
    printed = CliRunner().invoke(configs, ["dnn_ae"], catch_exceptions=False).stdout
    assert printed == (CONFIGS / "dnn_ae.yaml").read_text()
    with pytest.raises(UserError, match="did you mean dnn_ae"):
        CliRunner().invoke(configs, ["dnn_aee"], catch_exceptions=False)


def test_names_are_completed():
    completed = ConfigFile("study").shell_complete(None, None, "one")
    assert [(item.value, item.type) for item in completed] == [("one_crossing", "plain"), ("one", "file")]
