"""Layouts that the tests walk, one of them invented, and random events of any."""

import numpy as np

from l1ae.inputs import FixedFormat, InputSpec, Layout, named_layout

INVENTED = Layout.model_validate(
    {
        "name": "invented",
        "title": "trackers of a test",
        "groups": [
            {
                "name": "track",
                "title": "Tracks",
                "slots": 5,
                "gate": "seen",
                "features": [
                    # phi in degrees, once around in 360 codes from -180 on; energies with code 3 for 0
                    {"name": "azimuth", "role": "phi", "bits": 10, "signed": True, "lsb": 1.0, "unit": "degree", "period": 360},
                    {"name": "seen", "bits": 1},
                    {"name": "momentum", "role": "energy", "bits": 12, "lsb": 0.25, "unit": "GeV", "origin": 3},
                    {"name": "rapidity", "role": "eta", "bits": 7, "signed": True, "lsb": 0.1, "bin": "centre"},
                ],
            },
            {"name": "pulse", "title": "Pulse", "kind": "waveform", "slots": 8, "features": [{"name": "adc", "bits": 8, "unit": "counts"}]},
        ],
    }
)
LAYOUTS = ("ugt", "ugt_full", "cms_l1_record", "gelato", "p2gt", "samples", "calo_regions", "invented")


def layout_of(name: str) -> Layout:
    return INVENTED if name == "invented" else named_layout(name)


def random_codes(layout: Layout, count: int, seed: int) -> np.ndarray:
    """Codes (count, size) over the whole range of every feature; half of the slots that can be empty are."""
    rng = np.random.default_rng(seed)
    hw = np.zeros((count, layout.size), layout.dtype)
    for group in layout.groups:
        block = layout.block(hw, group.name)
        for k, feature in enumerate(group.features):
            low, high = feature.range
            block[..., k] = rng.integers(low, high + 1, block.shape[:2])
        if group.gate_feature is not None:
            gate = block[..., group.index(group.gate_feature)]
            gate[:] = np.where(rng.random(gate.shape) < 0.5, 0, np.maximum(gate, 1))
    return np.where(layout.mask(hw), hw, 0).astype(layout.dtype)


def wide(layout: Layout) -> InputSpec:
    """A layout with preprocessing that loses nothing: its preset, or shift 4 and the middle of the scale, in a wide format."""
    network = FixedFormat.parse("fixed<40,20>")
    if layout.preset is not None:
        return InputSpec.of(layout, network)
    low, high = layout.code_range
    gates = np.isin(np.arange(layout.size), layout.gate)
    return InputSpec.of(layout, network, offset=np.where(gates, 0, (low + high) // 2), shift=np.full(layout.size, 4))
