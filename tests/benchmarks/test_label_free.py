"""The table of how well background alone tells the better model."""

import label_free
import numpy as np
import pytest
from scipy.stats import spearmanr

from l1ae.evaluation import AtRate, Capacity, Estimate, LabelFree, Metrics, RatePoint, save_metrics


def _known(value):
    return Estimate(value, value, value)


def _write(folder, name, capacity, efficiency, *, drift=None):
    evaluation = folder / name / "evaluation"
    evaluation.mkdir(parents=True)
    (folder / name / "config.yaml").write_text("")
    found = LabelFree((10, 10), Capacity(capacity, 1.0, False), Capacity(-0.5, 1.0, False), -capacity, 0.25, drift)
    point = RatePoint("raw", 1.0, 5.0, 4.0, 6.0, _known(1.0), 30.0, {}, _known(efficiency), _known(1 - efficiency))
    metrics = Metrics({}, {}, "", {}, {}, at_rate={"fixed": AtRate((point,))}, label_free={"fixed": found})
    save_metrics(evaluation / "metrics.json", metrics)


def test_the_correlation_is_scipys_and_its_interval_knows_the_number_of_runs():
    rng = np.random.default_rng(1)
    x = rng.integers(0, 8, 40).astype(float)
    y = x + rng.normal(0, 3, 40)
    found = label_free.correlation(x, y, 500, 1)
    assert found.value == pytest.approx(spearmanr(x, y).statistic)
    more = label_free.correlation(np.tile(x, 4), np.tile(y, 4), 500, 1)
    assert more.value == pytest.approx(found.value)
    assert found.high - found.low == pytest.approx(2 * (more.high - more.low), rel=0.25)
    assert label_free.correlation(np.ones(5), np.arange(5.0), 50, 1) is None


@pytest.mark.slow
def test_coverage_of_the_interval():
    """Normal pairs of known correlation: Spearman's is (6 / pi) asin(r / 2); 200 experiments, the fraction has an error of 0.033."""
    rng, inside, r = np.random.default_rng(2), 0, 0.6
    truth = 6 / np.pi * np.arcsin(r / 2)
    for _ in range(200):
        x = rng.normal(size=25)
        y = r * x + np.sqrt(1 - r * r) * rng.normal(size=25)
        found = label_free.correlation(x, y, 200, 1)
        inside += found.low <= truth <= found.high
    assert 0.55 < inside / 200 < 0.8


def test_a_table_of_runs(tmp_path, capsys):
    runs = tmp_path / "runs"
    for i in range(5):
        _write(runs, f"run{i}", -0.6 + 0.1 * i, 0.1 * i)
    (runs / "empty").mkdir()
    (runs / "unfinished").mkdir()
    (runs / "unfinished" / "config.yaml").write_text("")
    assert label_free.main([str(runs), "-o", str(tmp_path / "table.md"), "--replicas", "50"]) == 0
    out, err = capsys.readouterr()
    assert (tmp_path / "table.md").read_text() == out
    rows = {line.split(" | ")[0].strip("| "): line for line in out.splitlines() if line.startswith("|")}
    assert rows["approximation capacity"] == "| approximation capacity | 1 | −1 | 5 |"
    assert rows["Wasserstein distance (lower is better)"].split(" | ")[1:3] == ["1", "−1"]
    assert "not defined" in rows["approximation capacity, adaptive energies"], "all models have the same"
    assert "too few runs" in rows["threshold drift (lower is better)"]
    assert rows["run4"].split(" | ")[1] == "0.2"
    assert "left out: unfinished" in err
    assert label_free.main([str(runs / "run0"), str(runs / "run1")]) == 2
