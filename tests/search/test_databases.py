"""Databases of a study: a real PostgreSQL server, one that is restarted, wrong addresses, and files that are lost."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from l1ae.engine import InlineEngine
from l1ae.errors import UserError
from l1ae.search import Ledger, SearchFolder, load_study, run_search
from l1ae.search._database import database_of

from .pretended import calls, logged, without_times, write_study
from .servers import PASSWORD, postgres, postgres_programs


@pytest.fixture(scope="module")
def server():
    if postgres_programs() is None:
        pytest.skip("there is no PostgreSQL server here; install Debian's postgresql")
    with postgres() as found:
        yield found


def searched(folder: Path, *, resume: bool = False, function=None, **changes):
    """A search to its end, and what its database holds then."""
    study = load_study(write_study(folder, **changes))
    place = SearchFolder(folder / "search")
    place.begin(study, resume=resume)
    with Ledger(study, place.path, patience=20) as ledger:
        run_search(study, place, ledger, InlineEngine(), function=function or logged(folder / "calls"))
        return place, ledger.trials()


def approximately(value: object) -> object:
    """Numbers are told again with the digits of their configuration; text is the same."""
    return value if isinstance(value, str) else pytest.approx(value, rel=1e-3)


@pytest.mark.slow
def test_a_search_on_a_server_is_that_of_a_file_and_goes_on_after_a_restart(server, tmp_path):
    changes = {"trials": 6, "seed": 4}
    expected = without_times(searched(tmp_path / "file", **changes)[0].path)
    stored = changes | {"name": "pretended", "storage": server.url}
    count = 0

    def restarting(task):
        nonlocal count
        count += 1
        if count == 3:
            server.stop()
            server.start()
        return logged(tmp_path / "server" / "calls")(task)

    place, trials = searched(tmp_path / "server", function=restarting, **stored)
    assert without_times(place.path) == expected
    server.stop()
    server.start()
    place, trials = searched(tmp_path / "server", resume=True, **stored | {"trials": 8})
    assert set(calls(tmp_path / "server" / "calls").values()) == {1}
    assert [trial.number for trial in trials] == [trial.number for trial in place.trials()]
    whole = without_times(searched(tmp_path / "whole", **changes | {"trials": 8})[0].path)
    assert without_times(place.path) == whole
    for path in tmp_path.rglob("*"):
        assert not path.is_file() or path.name == "study.yaml" or PASSWORD.encode() not in path.read_bytes()
    with pytest.raises(UserError, match="as it was begun in another run folder") as caught:
        searched(tmp_path / "elsewhere", **stored)
    assert PASSWORD not in str(caught.value)
    assert f"storage 'postgresql+psycopg://l1ae:***@127.0.0.1:{server.port}/postgres' holds this study" in str(caught.value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda url: url.replace("l1ae:", "l1ae:wrong-"), "password authentication failed"),
        pytest.param(lambda url: url.replace("/postgres", "/nothing"), '"nothing" does not exist', marks=pytest.mark.slow),
        pytest.param(lambda url: url.rpartition(":")[0] + ":1/postgres", "refused", marks=pytest.mark.slow),
        pytest.param(lambda url: url.replace("127.0.0.1", "no-host.invalid"), "no-host.invalid", marks=pytest.mark.slow),
    ],
)
def test_a_wrong_address_is_refused_soon_and_without_the_password(server, tmp_path, change, message, caplog):
    study = load_study(write_study(tmp_path, storage=change(server.url)))
    began = time.monotonic()
    with pytest.raises(UserError, match=message) as caught:
        Ledger(study, tmp_path)
    assert time.monotonic() - began < 15
    assert "is its address right, and does it run?" in str(caught.value)
    for said in (str(caught.value), caplog.text):
        assert PASSWORD not in said
        assert "wrong-" not in said


@pytest.mark.parametrize(
    "url", ["nothing", "postgresql://l1ae:secret@host", "mysql://l1ae:secret@host/x", "http://l1ae:secret@h/x", "sqlite://"]
)
def test_what_is_no_database_is_refused_when_the_study_is_read(tmp_path, url):
    with pytest.raises(UserError, match=r"study.yaml: storage: .*write for example postgresql://USER@HOST:5432/DATABASE") as caught:
        load_study(write_study(tmp_path, storage=url))
    assert "secret" not in str(caught.value)


def test_both_names_of_a_server_are_one():
    for url in ("postgresql://u:p@h:1/d", "postgresql+psycopg2://u:p@h:1/d", "postgres://u:p@h:1/d"):
        assert database_of(url, "").render_as_string(hide_password=False) == "postgresql+psycopg://u:p@h:1/d"


@pytest.mark.slow
@pytest.mark.parametrize("older", [False, True])
def test_a_database_that_is_lost_is_made_again_of_the_trials(tmp_path, older):
    expected, trials = searched(tmp_path / "whole", trials=9)
    values = [(trial.state, trial.values, trial.params) for trial in trials]
    place, _ = searched(tmp_path / "lost", trials=4)
    database = place.path / "study.db"
    kept = database.read_bytes()
    searched(tmp_path / "lost", trials=7, resume=True)
    if older:
        database.write_bytes(kept)
    else:
        database.unlink()
    place, trials = searched(tmp_path / "lost", trials=9, resume=True)
    assert without_times(place.path) == without_times(expected.path)
    assert set(calls(tmp_path / "lost" / "calls").values()) == {1}
    for (state, found, parameters), trial in zip(values, trials, strict=True):
        assert (state, found) == (trial.state, trial.values)
        assert {name: approximately(value) for name, value in parameters.items()} == trial.params


def test_what_a_server_did_without_an_answer_is_not_done_again(tmp_path, monkeypatch):
    with Ledger(load_study(write_study(tmp_path)), tmp_path, patience=20) as ledger:
        add, asked = ledger._optuna.add_trial, []

        def silent(trial) -> None:
            add(trial)
            asked.append(trial.number)
            if len(asked) == 1:
                raise OSError("the connection was closed")

        monkeypatch.setattr(ledger._optuna, "add_trial", silent)
        assert [ledger.ask()[0], ledger.ask()[0]] == [0, 1]
        assert asked == [0, 1]
        assert [trial.number for trial in ledger.trials()] == [0, 1]


def test_a_trial_whose_file_was_removed_is_trained_again(tmp_path):
    place, _ = searched(tmp_path, trials=5)
    before = without_times(place.path)
    place.trial(2).unlink()
    searched(tmp_path, trials=5, resume=True)
    assert without_times(place.path) == before
    assert sorted(calls(tmp_path / "calls").values()) == [1, 1, 1, 1, 2]


@pytest.mark.slow
def test_the_command_refuses_a_server_that_is_not_there(tmp_path):
    study = write_study(tmp_path, storage=f"postgresql://l1ae:{PASSWORD[:3]}@127.0.0.1:1/postgres")
    words = [sys.executable, "-c", "from l1ae.cli import main; main()", "search", str(study), "--run", str(tmp_path / "run")]
    ended = subprocess.run(
        words, capture_output=True, text=True, check=False, timeout=120, env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    )
    assert ended.returncode == 2
    assert "has not answered for 5 s" in ended.stderr
    assert "not:" not in ended.stderr
    assert not list((tmp_path / "run").rglob("trials/*.json"))
