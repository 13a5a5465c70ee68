"""Added columns of the layout `ugt`, and what they are, written again from what a physicist would say, slot by slot."""

import numpy as np

from l1ae.inputs import named_layout

LAYOUT = named_layout("ugt")

ADD = {
    "n_jet30": {"kind": "multiplicity", "group": "jet", "threshold": 60, "abs_eta": 57},
    "n_mu": {"kind": "multiplicity", "group": "mu"},
    "ht": {"kind": "sum", "group": "jet", "threshold": 60, "abs_eta": 57, "bits": 12},
    "et_all": {"kind": "sum", "group": "jet"},
    "dphi_mu_met": {"kind": "delta_phi", "slots": ["mu[0]", "met"]},
    "dphi_jets": {"kind": "delta_phi", "slots": ["jet[0]", "jet[1]"]},
    "dphi_mu": {"kind": "delta_phi", "slots": ["mu[0]", "mu[3]"]},
    "eta_mu": {"kind": "abs_eta", "slot": "mu[0]"},
}


def around(a: int, b: int, period: int) -> int:
    """Steps from a to b on a circle, the smaller way, by walking."""
    steps = 0
    forth = back = a % period
    while b % period not in (forth, back):
        forth, back, steps = (forth + 1) % period, (back - 1) % period, steps + 1
    return steps


def outwards(eta: int) -> int:
    """Bins between the bin of a code and the bin that begins, or ends, at 0."""
    return eta if eta >= 0 else -eta - 1


NAMES = tuple(sorted(ADD))


def by_hand(event: np.ndarray) -> list[int]:
    """The columns of `ADD`, by name, of one event (57,) of valid codes."""
    slots = {group.name: LAYOUT.block(event[None], group.name)[0].tolist() for group in LAYOUT.groups}
    met, mu, jet = slots["met"], slots["mu"], slots["jet"]
    hard = [pt for pt, eta, _ in jet if pt >= 60 and outwards(eta) <= 57]
    found = {
        "n_jet30": len(hard),
        "n_mu": sum(pt > 0 for pt, _, _ in mu),
        "ht": min(sum(hard), 4095),
        "et_all": sum(pt for pt, _, _ in jet),
        "dphi_mu_met": around(mu[0][2] // 4, met[0][2], 144) if mu[0][0] and met[0][0] else 0,
        "dphi_jets": around(jet[0][2], jet[1][2], 144) if jet[0][0] and jet[1][0] else 0,
        "dphi_mu": around(mu[0][2], mu[3][2], 576) if mu[0][0] and mu[3][0] else 0,
        "eta_mu": outwards(mu[0][1]) if mu[0][0] else 0,
    }
    return [found[name] for name in NAMES]


def events(count: int, seed: int) -> np.ndarray:
    """Valid codes (count, 57): every second slot is empty, energies lie around the thresholds or at the end of their scale."""
    rng = np.random.default_rng(seed)
    low, high = LAYOUT.code_range
    codes = rng.integers(low, high + 1, (count, 57)).reshape(count, 19, 3)
    small = rng.integers(1, 120, codes.shape[:2])
    codes[:, :, 0] = np.where(rng.random(codes.shape[:2]) < 0.8, small, np.maximum(codes[:, :, 0], 1))
    codes[rng.random(codes.shape[:2]) < 0.3] = 0
    return codes.reshape(count, 57)
