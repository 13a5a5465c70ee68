import json
from dataclasses import replace

import numpy as np
import pytest

from l1ae.config import PhaseConfig
from l1ae.errors import UserError
from l1ae.training._checkpoint import Checkpoint, HistoryRow, fingerprint

START = Checkpoint(
    fingerprint="f",
    phase="float",
    epoch=0,
    learning_rate=0.8,
    best_loss=10.0,
    best_epoch=0,
    stale=0,
    stale_rate=0,
    seconds=0.0,
    history=(),
    variables=(np.zeros(2), np.zeros(1)),
    best=(np.zeros(2),),
)


def _run(losses: list[float], schedule: PhaseConfig, settled_after: int = 0) -> list[Checkpoint]:
    """States after each epoch, until the schedule ends the phase; the weights are the epoch's number."""
    states = [START]
    for epoch, loss in enumerate(losses, 1):
        if states[-1].finished(schedule):
            break
        row = HistoryRow("float", epoch, states[-1].learning_rate, 1.0, loss, {"reconstruction": 1.0}, {"reconstruction": loss})
        states.append(
            states[-1].after_epoch(schedule, row, (np.full(2, epoch), np.full(1, -epoch)), 1, seconds=0.5, settled_after=settled_after)
        )
    return states[1:]


def _schedule(**fields: float) -> PhaseConfig:
    return PhaseConfig(**{"epochs": 20, "learning_rate": 0.8, "patience": 4, "decay_patience": 2, "min_improvement": 0.01} | fields)


def test_best_weights_are_those_of_the_lowest_loss():
    last = _run([9.0, 7.0, 8.0, 7.5], _schedule())[-1]
    assert (last.best_loss, last.best_epoch) == (7.0, 2)
    assert [array.tolist() for array in last.best] == [[2, 2]]
    assert [array.tolist() for array in last.variables] == [[4, 4], [-4]]
    assert last.seconds == 2.0


def test_training_stops_after_patience_epochs_without_improvement():
    assert [state.epoch for state in _run([9.0, 7.0] + 18 * [8.0], _schedule())][-1] == 2 + 4


def test_training_stops_at_the_last_epoch():
    assert _run([9.0, 8.0, 7.0, 6.0], _schedule(epochs=3))[-1].epoch == 3


def test_learning_rate_is_halved_on_a_plateau_and_the_count_starts_again():
    states = _run([9.0, 9.5, 9.5, 9.5, 9.5], _schedule(patience=10))
    assert [state.learning_rate for state in states] == [0.8, 0.8, 0.4, 0.4, 0.2]


def test_a_gain_below_the_minimum_is_kept_but_does_not_reset_the_patience():
    last = _run([9.95, 9.94, 9.93, 9.92, 9.91, 9.9], _schedule())[-1]
    assert (last.epoch, last.best_loss, last.best_epoch) == (4, 9.92, 4)


def test_improvement_resets_both_counts():
    last = _run([11.0, 9.0], _schedule())[-1]
    assert (last.stale, last.stale_rate) == (0, 0)


def test_best_weights_are_those_of_a_settled_epoch():
    """Up to the end of warm-up or pruning each epoch replaces the one before, however good that was."""
    states = _run([5.0, 1.0, 9.0, 8.0, 8.5], _schedule(), settled_after=3)
    assert [(state.best_loss, state.best_epoch) for state in states] == [(5.0, 1), (1.0, 2), (9.0, 3), (8.0, 4), (8.0, 4)]
    assert [array.tolist() for array in states[-1].best] == [[4, 4]]


def test_patience_and_learning_rate_wait_for_the_model_to_settle():
    states = _run([float(loss) for loss in range(1, 18)], _schedule(), settled_after=10)
    assert [(state.stale, state.stale_rate, state.learning_rate) for state in states[:10]] == [(0, 0, 0.8)] * 10
    assert len(states) == 10 + 4
    assert states[-1].best_epoch == 10


def test_a_phase_does_not_end_before_the_model_has_settled():
    """A phase that is shorter than its warm-up keeps its last epoch: the one closest to what was asked for."""
    last = _run([1.0, 2.0, 3.0], _schedule(epochs=3), settled_after=10)[-1]
    assert (last.epoch, last.best_epoch) == (3, 3)


def test_file_round_trip_is_exact(tmp_path):
    state = replace(
        _run([9.0, np.pi], _schedule())[-1],
        variables=(np.array([np.float32(0.1), np.float32(1e-40)]), np.array(7, np.int64)),
        best=(np.arange(12, dtype=np.float32).reshape(3, 4),),
    )
    state.save(tmp_path / "c.npz")
    loaded = Checkpoint.load(tmp_path / "c.npz", "f")
    for name in ("variables", "best"):
        for a, b in zip(getattr(state, name), getattr(loaded, name), strict=True):
            assert (a.dtype, a.shape, a.tobytes()) == (b.dtype, b.shape, b.tobytes())
    assert replace(loaded, variables=(), best=()).history == state.history
    assert (loaded.best_loss, loaded.epoch, loaded.stale) == (state.best_loss, state.epoch, state.stale)
    assert [path.name for path in tmp_path.iterdir()] == ["c.npz"]


def test_order_of_more_than_ten_arrays_is_kept(tmp_path):
    replace(START, variables=tuple(np.full(1, i) for i in range(25))).save(tmp_path / "c.npz")
    assert [int(array[0]) for array in Checkpoint.load(tmp_path / "c.npz", "f").variables] == list(range(25))


def test_another_fingerprint_is_refused(tmp_path):
    START.save(tmp_path / "c.npz")
    with pytest.raises(UserError, match=r"written for another configuration .* or train without --resume"):
        Checkpoint.load(tmp_path / "c.npz", "g")


@pytest.mark.parametrize("damage", ["truncated", "empty", "text", "no state"])
def test_damaged_files_are_refused(tmp_path, damage):
    path = tmp_path / "c.npz"
    START.save(path)
    content = {"truncated": path.read_bytes()[:200], "empty": b"", "text": b"epoch 3"}
    if damage == "no state":
        np.savez(path, state=np.array(json.dumps({"version": 1})))
    else:
        path.write_bytes(content[damage])
    with pytest.raises(UserError, match=r"c\.npz: no readable checkpoint .* train without --resume"):
        Checkpoint.load(path, "f")


def test_fingerprint_covers_what_the_training_depends_on(make_config):
    base = fingerprint(make_config(), "data")
    same = make_config(model={"target_fpr": 1e-4, "score_type": "ufixed<20,14,TRN,SAT>"}).model_copy(update={"version": 7})
    assert fingerprint(same, "data") == base
    others = [make_config(seed=2), make_config(contractive=0.25), make_config(model={"weight_bits": 6}), make_config("dense_vae")]
    assert base not in {fingerprint(config, "data") for config in others} | {fingerprint(make_config(), "other")}
