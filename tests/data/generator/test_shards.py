from typing import Any

import numpy as np
import pytest

from l1ae.data.generator import GeneratorConfig
from l1ae.data.generator._shards import Task, _load, _save, finished, pileup_tasks
from l1ae.errors import UserError


def test_a_failed_write_leaves_nothing_behind(tmp_path, monkeypatch):
    def disk_full(file: Any, **arrays: Any) -> None:
        del arrays
        file.write(b"half a shard")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez", disk_full)
    with pytest.raises(OSError, match="No space left"):
        _save(tmp_path / "level" / "000000.npz", {"x": np.zeros(3)}, {})
    assert not list((tmp_path / "level").iterdir())


def test_what_is_written_is_read_back(tmp_path):
    _save(tmp_path / "000000.npz", {"x": np.arange(3, dtype=np.float32)}, {"accepted": 3})
    content = _load(tmp_path / "000000.npz", ("x", "summary"))
    assert content["x"].tolist() == [0, 1, 2]
    assert content["summary"] == {"accepted": 3}
    with pytest.raises(UserError, match=r"000000\.npz: cannot be read .*; delete this shard, it will be made again"):
        _load(tmp_path / "000000.npz", ("y",))


def test_every_shard_has_its_own_place_and_seed(tmp_path):
    config = GeneratorConfig()
    tasks = [Task(process, seed, index, config, tmp_path) for process in ("w", "z") for seed in (1, 2) for index in range(20)]
    for values in ({t.truth_path for t in tasks}, {t.detector_path for t in tasks}, {t.pythia_seed for t in tasks}):
        assert len(values) == len(tasks)
    assert len({tuple(task.detector_rng().integers(0, 2**62, 2)) for task in tasks}) == len(tasks)
    assert finished(tasks[0]) is None


def test_the_pileup_library_is_cut_into_shards_and_serves_every_seed(tmp_path):
    paths = [task.truth_path for task in pileup_tasks(GeneratorConfig(), tmp_path)]
    assert [path.name for path in paths] == [f"{index:06d}.npz" for index in range(4)]
    assert {path.parent.name for path in paths} == {"seed-99"}
