"""Every target of the Makefile in a fresh clone, with stand-ins for the programs: it makes what it needs, or says what it lacks."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TARGETS = re.search(r"^\.PHONY: ((?:.*\\\n)*.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)[1].replace("\\\n", " ").split()

# As l1ae: a stage needs its run, some need another stage's folder, and `run --to STAGE` makes what STAGE needs.
L1AE = """\
#!/bin/sh
echo "l1ae $*" >> calls
command=$1
case $command in
    doctor | data | search) exit 0 ;;
    train | run)
        shift 2
        to=csim
        while [ $# -gt 0 ]; do
            case $1 in
                --run) run=$2 ;;
                --to) to=$2 ;;
            esac
            shift
        done
        mkdir -p "$run/contract" && touch "$run/config.yaml"
        case $command$to in
            runhls) mkdir -p "$run/hls" ;;
            runcsim) mkdir -p "$run/hls" "$run/csim" ;;
            runsynth) mkdir -p "$run/rtl" "$run/synth" ;;
            run*) mkdir -p "$run/$to" ;;
        esac
        exit 0 ;;
esac
run=${2%/delivery}
need() { [ -e "$run/$1" ] || { echo "$command: no $run/$1" >&2; exit 2; }; }
need config.yaml
case $command in
    csim) need hls ;;
    synth) need rtl ;;
    deliver) for target in cmssw vivado emp; do case "$*" in
        *emp*) need rtl; need csim ;;
        *) need csim ;;
    esac; done ;;
esac
mkdir -p "$run/$command"
"""
PYTHON = """\
#!/bin/sh
echo "python $*" >> calls
for word in "$@"; do case $word in
    runs/*) [ -d "$word/hls" ] || { echo "no $word/hls" >&2; exit 2; } ;;
esac; done
"""


@pytest.fixture
def clone(tmp_path):
    shutil.copy(ROOT / "Makefile", tmp_path)
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    (tmp_path / ".ci").mkdir()
    names = (".venv/bin/pytest", ".venv/bin/ruff", ".venv/bin/mypy", ".ci/wheel-check")
    for name, text in ((".venv/bin/l1ae", L1AE), (".venv/bin/python", PYTHON), *((name, "#!/bin/sh\n") for name in names)):
        program = tmp_path / name
        program.write_text(text)
        program.chmod(0o755)
    for name in ("requirements.lock", "pyproject.toml", ".venv/.complete"):
        (tmp_path / name).touch()
    return tmp_path


def make(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["make", "-s", *words], check=False, cwd=folder, capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize("target", TARGETS)
def test_a_target_works_in_a_fresh_clone_or_says_what_it_lacks(clone, target):
    found = make(clone, target)
    if target == "families":
        assert (found.returncode, "make families FOLDER=" in found.stdout) == (2, True)
        found = make(clone, target, "FOLDER=collisions")
    assert found.returncode == 0, found.stdout + found.stderr


def test_a_stage_of_a_run_that_exists_is_made_as_that_run_is_configured(clone):
    run = clone / "runs" / "mine"
    run.mkdir(parents=True)
    (run / "config.yaml").touch()
    assert make(clone, "trigger", "RUN=runs/mine").returncode == 0
    assert (clone / "calls").read_text() == "l1ae trigger runs/mine\n"


@pytest.mark.parametrize(
    ("words", "message"), [(["runs/none"], "'runs/none' holds no HLS project; make it first: l1ae run CONFIG"), ([], "nothing to time")]
)
def test_the_benchmark_of_speed_says_what_it_lacks(tmp_path, words, message):
    script = ROOT / "benchmarks" / "contract_speed.py"
    found = subprocess.run([sys.executable, script, *words], check=False, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert found.returncode == 2
    assert message in found.stderr
    assert "Traceback" not in found.stderr
