"""Workers in jobs of a batch system: a real Slurm of one node; for HTCondor, what would be submitted."""

import os
import signal
import subprocess
import sys
import textwrap
import time

import pytest

from l1ae.engine import EngineOptions, engine
from l1ae.errors import UserError

from .slurm import answer, missing_programs, slurm

pytest.importorskip("dask_jobqueue")

from l1ae.engine import _batch
from l1ae.engine._batch import job_script
from l1ae.engine._clusters import load_cluster, shipped_clusters

OWN = "system: slurm\nmemory: 1GiB\npartition: short\nwalltime: '00:10:00'\nlogs: {folder}/logs\npatience: 30\n"


def written(folder, text):
    file = folder / "cluster.yaml"
    file.write_text(text.format(folder=folder))
    return str(file)


def header(script, comment):
    return [line.removeprefix(comment).strip() for line in script.splitlines() if line.startswith(comment)]


def test_a_slurm_job_asks_for_one_core_and_what_the_file_says(tmp_path):
    text = OWN + "account: cms\nscratch: /scratch\ndirectives: [--constraint=haswell]\n"
    script = job_script(written(tmp_path, text), "2GiB")
    lines = header(script, "#SBATCH")
    for line in ("-p short", "-A cms", "-n 1", "--cpus-per-task=1", "--mem=2G", "-t 00:10:00", "--constraint=haswell"):
        assert line in lines
    command = script.splitlines()[-1].split()
    for option, value in (("--nthreads", "1"), ("--memory-limit", "2.00GiB"), ("--death-timeout", "30"), ("--local-directory", "/scratch")):
        assert command[command.index(option) + 1] == value
    assert command[0] == sys.executable
    assert "--nanny" in command
    assert {"export OMP_NUM_THREADS=1", "export NUMBA_NUM_THREADS=1", "export TF_NUM_INTRAOP_THREADS=1"} <= set(script.splitlines())


def test_an_htcondor_job_asks_for_one_core_and_what_the_file_says(tmp_path):
    text = "system: htcondor\nmemory: 3GiB\ndisk: 5GiB\nlogs: {folder}/logs\ndirectives: {{+JobFlavour: '\"workday\"'}}\n"
    script = job_script(written(tmp_path, text))
    pairs = dict(line.split(" = ", 1) for line in script.splitlines() if " = " in line)
    assert pairs["MY.DaskWorkerCores"] == "1"
    assert pairs["MY.DaskWorkerMemory"] == str(3 * 2**30)
    assert pairs["MY.DaskWorkerDisk"] == str(5 * 2**30)
    assert pairs["RequestCpus"] == "MY.DaskWorkerCores"
    assert pairs["RequestMemory"] == "floor(MY.DaskWorkerMemory / 1048576)"
    assert pairs["+JobFlavour"] == '"workday"'
    assert pairs["Executable"] == "/bin/sh"
    arguments = pairs["Arguments"]
    assert arguments.startswith("\"-c '")
    assert arguments.endswith("'\"")
    commands = arguments[5:-2].split("; ")
    assert {"export OMP_NUM_THREADS=1", "export TF_NUM_INTEROP_THREADS=1"} <= set(commands)
    words = commands[-1].split()
    assert words[words.index("--nthreads") + 1] == "1"
    assert words[words.index("--memory-limit") + 1] == "3.00GiB"
    assert script.splitlines()[-1] == "Queue"


@pytest.mark.parametrize("name", ["slurm", "htcondor"])
def test_those_that_come_with_l1ae_can_be_submitted(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert name in shipped_clusters()
    assert load_cluster(name).system == name
    assert "distributed.cli.dask_worker" in job_script(name)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("system: pbs", r"system: must be slurm or htcondor \(value: 'pbs'\)"),
        ("system: slurm\nqueue: a", "unknown key 'queue'"),
        ("system: slurm\npartition: 'a\\n#SBATCH --wrap=x'", "partition: job word .* must be letters"),
        ("system: slurm\npartition: $(x)", "partition: job word"),
        ("system: slurm\nscratch: /a;b", "scratch: folder '/a;b' must be names"),
        ("system: slurm\ndirectives: ['--wrap=x']", "directive --wrap=x is l1ae's own"),
        ("system: slurm\ndirectives: ['--cpus=4']", "directive --cpus=4 is l1ae's own"),
        ("system: slurm\ndirectives: ['--qos=a b']", "Slurm directive"),
        ("system: slurm\nwalltime: soon", "walltime 'soon' must be hours:minutes:seconds"),
        ("system: htcondor\ndirectives: {executable: x}", "executable is l1ae's own"),
        ('system: htcondor\ndirectives: {a: "b\\nqueue"}', "HTCondor value"),
        ("system: slurm\nmemory: 1MiB", "memory 1MiB is too little for a worker"),
        ("system: slurm\ninterface: no0", "interface: .*; give one of `ip link`"),
    ],
)
def test_mistakes_in_a_file_are_named(text, message, tmp_path):
    with pytest.raises(UserError, match=message):
        job_script(written(tmp_path, text.replace("{", "{{").replace("}", "}}")))


def test_a_cluster_that_is_none_and_a_batch_system_that_is_not_here(tmp_path, monkeypatch):
    with pytest.raises(UserError, match=r"cluster 'nowhere' does not exist; give htcondor or slurm, or a YAML file"):
        load_cluster("nowhere")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UserError, match="cluster 'slurm': sbatch is not installed here"), engine(EngineOptions(cluster="slurm")):
        pass


@pytest.fixture(scope="module")
def batch_system(tmp_path_factory):
    if missing := missing_programs():
        pytest.skip(f"a Slurm of one node needs {', '.join(missing)}")
    with slurm(tmp_path_factory.mktemp("slurm")):
        yield


def _take(opened, number):
    found = []
    deadline = time.monotonic() + 120
    while len(found) < number and time.monotonic() < deadline:
        found += opened.finished(1.0)
    assert len(found) == number
    return found


@pytest.mark.slow
def test_tasks_run_in_jobs_and_a_job_that_is_cancelled_is_replaced(batch_system, tmp_path, monkeypatch):
    del batch_system
    monkeypatch.setattr(_batch, "REPLACE", 1.0)
    name = written(tmp_path, OWN)
    with engine(EngineOptions(cluster=name, workers=2)) as opened:
        assert opened.workers == 2
        opened.submit("first", os.getenv, "SLURM_JOB_ID")
        (first,) = _take(opened, 1)
        assert len(answer("squeue", "-h").splitlines()) == 2
        subprocess.run(["scancel", first.value], check=True)
        time.sleep(3)
        seen = set()
        deadline = time.monotonic() + 90
        while len(seen) < 2 and time.monotonic() < deadline:
            for k in range(4):
                opened.submit(f"{len(seen)}-{time.monotonic()}-{k}", os.getenv, "SLURM_JOB_ID")
            seen |= {outcome.value for outcome in _take(opened, 4)}
            time.sleep(1)
        assert first.value not in seen
        assert len(seen) == 2
        opened.submit("threads", os.getenv, "OMP_NUM_THREADS")
        assert _take(opened, 1)[0].value == "1"
    _no_job_is_left(15)


@pytest.mark.slow
def test_a_partition_that_is_none_is_told_with_what_slurm_says(batch_system, tmp_path):
    del batch_system
    name = written(tmp_path, OWN.replace("partition: short", "partition: long"))
    with pytest.raises(UserError, match=r"does not take the jobs: .*invalid partition"), engine(EngineOptions(cluster=name, workers=1)):
        pass


@pytest.mark.exhaustive
def test_jobs_end_with_a_client_that_is_killed(batch_system, tmp_path):
    del batch_system
    script = """
        import sys, time
        from l1ae.engine import EngineOptions, engine
        if __name__ == "__main__":
            with engine(EngineOptions(cluster=sys.argv[1], workers=1)) as opened:
                opened.submit("a", int)
                opened.finished()
                opened.submit("b", time.sleep, 600)
                print("working", flush=True)
                time.sleep(600)
    """
    command = [sys.executable, "-c", textwrap.dedent(script), written(tmp_path, OWN)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as client:
        assert client.stdout is not None
        assert client.stdout.readline() == b"working\n"
        assert answer("squeue", "-h")
        client.send_signal(signal.SIGKILL)
    _no_job_is_left(90)


def _no_job_is_left(seconds):
    deadline = time.monotonic() + seconds
    while answer("squeue", "-h"):
        assert time.monotonic() < deadline
        time.sleep(0.5)
