"""Make configs/imported/cms_like.yaml and .npz: `python benchmarks/make_cms_like.py`.

A network in the shape and with the number types that public sources report of the deployed CMS anomaly trigger, to show how such
a network is described. The weights are random, from a fixed seed: 5 bits, scaled so that few sums reach the end of
their accumulator.
"""

from itertools import pairwise
from pathlib import Path

import numpy as np
import yaml

from l1ae.inputs import InputSpec, named_layout

SEED = 1
FOLDER = Path(__file__).parent.parent / "configs" / "imported"
INPUT, ACCUMULATOR, HIDDEN = "ap_fixed<14,6,AP_RND_CONV,AP_SAT>", "ap_fixed<21,10>", "ap_ufixed<10,6,AP_RND_CONV,AP_SAT>"
FEATURES = "ap_fixed<12,7,AP_RND_CONV,AP_SAT>"
HEADER = "# Made by benchmarks/make_cms_like.py; the weights are random. The keys are explained in l1ae/config/_description.py.\n"


class Inline(list):
    """A list that YAML writes on one line."""


def main() -> None:
    """Write both files."""
    rng, arrays, layers = np.random.default_rng(SEED), {}, []
    spec = InputSpec.of(named_layout("ugt"))
    shift = spec.shift.copy()
    shift[[3 * slot for slot in (3, 4, 7, 8)]] = -1  # pT of the third and fourth leptons: small numbers
    source = _stack(rng, arrays, layers, "extract", "inputs", 57, 29, 10)
    found = _stack(rng, arrays, layers, "auto", source, 10, 9, 6, 4, 6, 9, 10)
    layers.append({"name": "difference", "kind": "subtract", "inputs": Inline([source, found]), "result": "ap_fixed<13,8>"})
    layers.append({"name": "distance", "kind": "dot", "inputs": Inline(["difference"]), "accumulator": "ap_ufixed<28,18>"})
    content = {
        "weights": "cms_like.npz",
        "hardware": {"size": 57, "width": 13},
        "preprocessing": {
            "offset": Inline(spec.offset.tolist()),
            "shift": Inline(shift.tolist()),
            "work": "ap_fixed<18,13>",
            "result": INPUT,
        },
        "layers": layers,
        "score": {"input": "distance", "type": "ap_ufixed<18,14>", "threshold": 4000},
    }
    yaml.SafeDumper.add_representer(Inline, lambda dumper, data: dumper.represent_sequence("tag:yaml.org,2002:seq", data, flow_style=True))
    FOLDER.mkdir(exist_ok=True)
    np.savez_compressed(FOLDER / "cms_like.npz", **arrays)
    (FOLDER / "cms_like.yaml").write_text(HEADER + yaml.safe_dump(content, sort_keys=False, width=120))


def _stack(rng: np.random.Generator, arrays: dict[str, np.ndarray], layers: list[dict], name: str, source: str, *sizes: int) -> str:
    """Dense layers with ReLU between them; returns the name of the last."""
    for k, (n_in, n_out) in enumerate(pairwise(sizes)):
        layer, last = f"{name}{k}", k == len(sizes) - 2
        codes = rng.normal(0, 16 / np.sqrt(n_in), (n_in, n_out)).round().clip(-16, 15)
        arrays[f"{layer}.kernel"] = (codes / 16).astype(np.float32)
        arrays[f"{layer}.bias"] = (rng.integers(-16, 17, n_out) / 16).astype(np.float32)
        types = {"kernel_type": "ap_fixed<5,1>", "bias_type": "ap_fixed<8,4>", "accumulator": ACCUMULATOR, "wraps": True}
        layers.append(
            {"name": layer, "kind": "dense", "input": source, "kernel": f"{layer}.kernel", "bias": f"{layer}.bias"}
            | types
            | {"result": FEATURES if last else "ap_fixed<18,10>"}
        )
        source = layer
        if not last:
            source = f"{layer}_relu"
            layers.append({"name": source, "kind": "relu", "input": layer, "result": HIDDEN})
    return source


if __name__ == "__main__":
    main()
