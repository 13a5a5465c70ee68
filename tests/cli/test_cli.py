"""The command line as a script sees it: exit status, stdout for results, stderr for the rest."""

import logging
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner

from l1ae.cli import _run, main


def run(*arguments, cwd=None):
    command = [sys.executable, "-c", "from l1ae.cli import main; main()", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd, check=False)


@pytest.fixture
def ended(monkeypatch, capfd):
    """What `run` gives, from this process: which the command line could change only by its handlers."""
    handlers = logging.getLogger("l1ae").handlers[:]
    signals = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def call(*arguments, cwd=None):
        monkeypatch.setattr(sys, "argv", ["l1ae", *map(str, arguments)])
        if cwd is not None:
            monkeypatch.chdir(cwd)
        with pytest.raises(SystemExit) as status:
            main()
        return subprocess.CompletedProcess(sys.argv, status.value.code, *capfd.readouterr())

    yield call
    logging.getLogger("l1ae").handlers[:] = handlers
    for number, handler in signals.items():
        signal.signal(number, handler)


def test_every_command_has_help(ended):
    top = run("--help")
    assert top.returncode == 0
    for command in ("train", "evaluate", "hls", "csim", "report", "run", "latent", "doctor", "data"):
        assert command in top.stdout
        assert ended(command, "--help").returncode == 0
    for command in ("generate", "import", "info"):
        assert ended("data", command, "--help").returncode == 0


def test_help_does_not_load_tensorflow():
    code = "import sys, l1ae.cli; print('tensorflow' in sys.modules, 'hls4ml' in sys.modules)"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout == "False False\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["train", "nothing.yaml"], "configuration 'nothing.yaml' does not exist"),
        (["run", "no_such_model"], "configuration 'no_such_model': there is no such file, and none of that name comes with l1ae"),
        (["data", "info", "nothing.h5"], "nothing.h5"),
        (["csim", "nothing"], "'nothing' is no run folder"),
        (["report", "nothing"], "'nothing' is no run folder"),
        (["train", "--no-such-option"], "No such option"),
        (["train", sys.executable], "is no valid YAML"),
    ],
)
def test_a_users_mistake_exits_with_2_and_a_message_on_stderr(arguments, message, ended, tmp_path):
    result = ended(*arguments, cwd=tmp_path)
    assert result.returncode == 2
    assert message in result.stderr
    assert result.stdout == ""
    assert "Traceback" not in result.stderr


@pytest.mark.slow
@pytest.mark.parametrize("command", [["estimate"], ["train", "--run", "r"], ["run", "--run", "r", "--to", "train"]])
def test_a_configuration_that_comes_with_l1ae_can_be_named(command, tmp_path):
    """Its content is read: a value that its architecture cannot have is refused, anywhere."""
    result = run(*command, "density_tree", "--set", "model.encoder=[3]", cwd=tmp_path)
    assert result.returncode == 2
    assert "model.encoder has no effect in architecture 'density_tree'" in " ".join(result.stderr.split())


def test_an_output_that_cannot_be_written_is_a_users_mistake(tmp_path):
    (tmp_path / "file").write_text("")
    result = run("train", Path(__file__).parents[2] / "configs" / "dnn_ae.yaml", "--run", tmp_path / "file" / "run")
    assert result.returncode == 2
    assert "is the path right, and writable?" in result.stderr
    assert "Traceback" not in result.stderr


def test_doctor_lists_packages_and_tools():
    result = run("doctor")
    assert result.returncode == 0
    for name in ("python", "tensorflow", "hls4ml", "g++", "vitis_hls", "verilator (program)", "ghdl"):
        assert name in result.stdout


def test_doctor_says_what_is_missing_and_how_to_get_it(tmp_path):
    code = "import os; os.environ['PATH'] = ''; from l1ae.cli import main; main()"
    result = subprocess.run([sys.executable, "-c", code, "doctor"], capture_output=True, text=True, check=False)
    assert result.returncode == 1
    assert "MISSING  g++" in result.stdout
    assert "apt-get install g++" in result.stdout
    assert "needed for simulation of the VHDL: there is no GHDL; Debian/Ubuntu: apt-get install ghdl" in result.stdout
    assert "needed for simulation of the Verilog: " in result.stdout


@pytest.mark.parametrize(("name", "first"), [("dnn_ae", "trained dnn_ae_v1: r"), ("cms_like", "imported cms_like_v1: r")])
def test_train_says_what_it_did_and_where_the_contract_is(name, first, monkeypatch):
    monkeypatch.setattr(_run, "load_pipeline", lambda: SimpleNamespace(train_stage=lambda *arguments, **options: None))
    result = CliRunner().invoke(_run.train, [name, "--run", "r"], catch_exceptions=False)
    assert result.output.splitlines() == [first, "contract: r/contract/contract.json"]
