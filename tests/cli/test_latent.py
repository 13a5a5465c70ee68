"""Options of `l1ae latent`."""

import pytest
from click.testing import CliRunner

from l1ae.cli._latent import latent
from l1ae.latent import MASSES


def test_the_help_names_every_mass():
    text = " ".join(CliRunner().invoke(latent, ["--help"]).output.split())
    assert f"{', '.join(MASSES)}, or groups" in text


@pytest.mark.parametrize("value", ["a4l", "a4l=", "a4l=-3", "a4l=0", "=5", "a4l=x"])
def test_an_injection_needs_a_sample_and_a_number(value):
    result = CliRunner().invoke(latent, ["run", "--inject", value])
    assert result.exit_code == 2
    assert f"'{value}' is no NAME=COUNT" in result.output
