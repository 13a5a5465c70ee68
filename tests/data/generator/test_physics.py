from pathlib import Path

import numpy as np
import pytest

from l1ae.data import EventStore, dataset_folder
from l1ae.data.generator import DetectorConfig, GeneratorConfig, PileupConfig, full_checks, generate, physics_checks
from l1ae.data.generator._physics import core_median, pair_mass, smeared_mass_edge, steepest_descent, transverse_mass
from l1ae.errors import UserError
from l1ae.inputs import named_layout


def objects(*rows: tuple[float, float, float]) -> np.ndarray:
    return np.array(rows, float)


def test_pair_mass_is_that_of_the_four_vectors():
    rng = np.random.default_rng(1)
    first, second = (np.column_stack([rng.uniform(5, 80, 50), rng.uniform(-3, 3, 50), rng.uniform(-3, 3, 50)]) for _ in range(2))

    def vector(p: np.ndarray) -> np.ndarray:
        return np.array([p[:, 0] * np.cosh(p[:, 1]), p[:, 0] * np.cos(p[:, 2]), p[:, 0] * np.sin(p[:, 2]), p[:, 0] * np.sinh(p[:, 1])])

    total = vector(first) + vector(second)
    np.testing.assert_allclose(pair_mass(first, second), np.sqrt(total[0] ** 2 - (total[1:] ** 2).sum(axis=0)), rtol=1e-6)


def test_transverse_mass_of_a_w_at_rest():
    """A lepton at right angles to the beam has half of the mass, and so has the neutrino."""
    assert transverse_mass(objects((40.2, 0.0, 0.3)), objects((40.2, 0.0, 0.3 + np.pi)))[0] == pytest.approx(80.4)
    assert transverse_mass(objects((40.2, 0.0, 0.3)), objects((40.2, 0.0, 0.3)))[0] == pytest.approx(0, abs=1e-5)


def test_the_core_of_a_peak_is_found_beside_a_tail():
    rng = np.random.default_rng(2)
    values = np.concatenate([91.2 + 1.25 * rng.standard_cauchy(20_000), rng.uniform(30, 80, 4000)])
    assert core_median(values) == pytest.approx(91.2, abs=0.1)


def test_the_edge_of_a_smeared_jacobian_peak_is_found():
    """pT of a lepton of an isotropic decay at rest: m / 2 sin(theta), an edge at m / 2, smeared by 1 GeV."""
    rng = np.random.default_rng(3)
    pt = 40.2 * np.sqrt(1 - rng.uniform(-1, 1, 50_000) ** 2) + rng.normal(0, 1, 50_000)
    assert steepest_descent(pt[pt > 25], 1.0) == pytest.approx(40.2, abs=1.0)


def test_the_transverse_mass_ends_at_the_w_mass_and_resolution_pushes_the_edge_out():
    """With perfect MET the edge is at 80.4 GeV, up to the width of the W and of the kernel."""
    edges = [smeared_mass_edge(resolution) for resolution in (0.1, 5.0, 15.0)]
    assert edges[0] == pytest.approx(80.4, abs=3.0)
    assert edges == sorted(edges)


def assert_physics(path: Path) -> None:
    checks = physics_checks(EventStore.open(path))
    assert len(checks) == 13
    assert not [check for check in checks if not check.passed]


@pytest.mark.slow
def test_the_shipped_background_has_the_physics_of_its_processes():
    assert_physics(dataset_folder("shipped") / "background.h5")


def test_the_shipped_background_has_the_published_mixture():
    store = EventStore.open(dataset_folder("shipped") / "background.h5")
    share = np.bincount(store.read().process) / store.n_events
    np.testing.assert_allclose(share, [0.592, 0.338, 0.067, 0.003], atol=0.0015)


def test_physics_checks_need_a_generated_background():
    path = dataset_folder("shipped") / "a4l.h5"
    for checks in (physics_checks, full_checks):
        with pytest.raises(UserError, match=r"a4l\.h5: physics checks need a generated background"):
            checks(EventStore.open(path))
    with pytest.raises(UserError, match="no group 'ett' in its layout 'ugt'"):
        full_checks(EventStore.open(path.with_name("background.h5")))


def test_signals_have_their_topology():
    """Four leptons from a light A, two of them at least in most events; hard missing momentum from h+ with a top; b jets from LQ."""
    layout, physical, filled = named_layout("ugt"), {}, {}
    for name in ("a4l", "lq", "hc"):
        physical[name] = layout.to_physical(EventStore.open(dataset_folder("shipped") / f"{name}.h5").read().hw)
        filled[name] = {group.name: (layout.block(physical[name], group.name)[..., 0] > 0).sum(axis=1) for group in layout.groups}
    assert (filled["a4l"]["eg"] + filled["a4l"]["mu"] >= 2).mean() > 0.7
    # h+ t: a jet from the b and, as the lepton comes from h+ or the W, often two more from the W.
    assert filled["hc"]["jet"].mean() > 3
    assert layout.block(physical["hc"], "met")[..., 0].mean() > 70
    assert filled["lq"]["jet"].mean() > 2.5


@pytest.mark.exhaustive
@pytest.mark.slow
def test_freshly_generated_events_have_the_physics_of_their_processes(tmp_path):
    """As for the shipped store, so that a change of the code shows before the store is made again."""
    pytest.importorskip("pythia8mc")
    samples = {"background": {"w": 0.43, "qcd": 0.15, "z": 0.32, "ttbar": 0.10}}
    config = GeneratorConfig(samples=samples, pileup=PileupConfig(library_events=3000), detector=DetectorConfig())
    generate("background", 2500, tmp_path / "background.h5", workers=1, config=config.read_out(layout="ugt_full"))
    assert_physics(tmp_path / "background.h5")
    checks = full_checks(EventStore.open(tmp_path / "background.h5"))
    assert len(checks) == 12
    assert not [check for check in checks if not check.passed]
