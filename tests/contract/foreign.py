"""A foreign network like the deployed CMS trigger, and its integer evaluation from the definition of `ap_fixed` (UG1399).

Nothing here uses l1ae: codes are int64, a type is the text of its C++ spelling.
"""

import re
from collections import Counter

import numpy as np
import yaml

SIZE, PORT = 57, 16
INPUT, ACCUMULATOR, HIDDEN = "ap_fixed<14,6,AP_RND_CONV,AP_SAT>", "ap_fixed<21,10>", "ap_ufixed<10,6,AP_RND_CONV,AP_SAT>"
FEATURE, KERNEL, BIAS = "ap_fixed<12,7,AP_RND_CONV,AP_SAT>", "ap_fixed<6,2>", "ap_fixed<7,3>"
THRESHOLD = 40_000


def parts(text):
    """signed, width, fraction, rounding, overflow."""
    unsigned, width, integer, rounding, overflow = re.fullmatch(r"ap_(u?)fixed<(\d+),(-?\d+)(?:,AP_(\w+),AP_(\w+))?>", text).groups()
    return not unsigned, int(width), int(width) - int(integer), rounding or "TRN", overflow or "WRAP"


class Integers:
    """Casts codes, and counts by tensor how many values were rounded, wrapped and saturated."""

    def __init__(self):
        self.counts = {"rounded": Counter(), "wrapped": Counter(), "saturated": Counter()}

    def _count(self, kind, name, changed):
        self.counts[kind][name] += int(np.sum(changed))

    def rounded(self, name, codes, fraction, text):
        _, _, to, rounding, _ = parts(text)
        if fraction <= to:
            return codes << (to - fraction)
        drop = fraction - to
        down = codes >> drop
        rest, half = codes - (down << drop), 1 << (drop - 1)
        self._count("rounded", name, rest != 0)
        return down + {"TRN": 0, "RND_CONV": (rest > half) | (rest == half) & (down % 2 == 1)}[rounding]

    def in_range(self, name, codes, text):
        signed, width, _, _, overflow = parts(text)
        low, high = (-(1 << width - 1), (1 << width - 1) - 1) if signed else (0, (1 << width) - 1)
        outside = (codes < low) | (codes > high)
        self._count({"WRAP": "wrapped", "SAT": "saturated"}[overflow], name, outside)
        if overflow == "SAT":
            return np.clip(codes, low, high)
        bits = codes & (1 << width) - 1
        return np.where(bits > high, bits - (1 << width), bits)

    def cast(self, name, codes, fraction, text):
        return self.in_range(name, self.rounded(name, codes, fraction, text), text)

    def total(self, name, products, fraction, bias, bias_fraction, text):
        """Products (N, n_in, n_out) and bias, each at the LSB of the accumulator `text`; the sum in its range."""
        terms = self.rounded(name, products, fraction, text).sum(axis=1)
        return self.in_range(name, terms + self.rounded(f"{name} bias", bias, bias_fraction, text), text)


class Foreign:
    """The description as YAML content, its arrays, and `evaluate`.

    57-29-10 extractor, 10-9-6-4-6-9-10 autoencoder with two skip connections, score = squared distance of the features and
    their reconstruction. Preprocessing in `ap_fixed<18,13>` with shifts from -2 to 7.
    """

    def __init__(self, masked):
        rng = np.random.default_rng(17)
        self.rng, self.layers, self.arrays, self.codes = rng, [], {}, {}
        self.offset, self.shift = rng.integers(-300, 300, SIZE), np.resize([0, 3, -2, 7, -1, 5], SIZE)
        self.gate = np.where(np.arange(SIZE) < 30, np.arange(SIZE) // 3 * 3, -1) if masked else np.full(SIZE, -1)
        self.present = np.arange(SIZE) != 1 if masked else np.ones(SIZE, bool)
        self._layers()
        self.content = {
            "weights": "weights.npz",
            "hardware": {"size": SIZE, "width": PORT},
            "preprocessing": {"offset": "offset", "shift": self.shift.tolist(), "work": "ap_fixed<18,13>", "result": INPUT},
            "layers": self.layers,
            "score": {"input": "distance", "type": "ap_ufixed<18,14>", "threshold": THRESHOLD},
        }
        self.arrays["offset"] = self.offset
        if masked:
            self.content["preprocessing"] |= {"gate": self.gate.tolist(), "present": "present"}
            self.arrays["present"] = self.present

    def _dense(self, name, source, n_in, n_out, result, accumulator=ACCUMULATOR, density=0.7):
        for role, text, shape in (("kernel", KERNEL, (n_in, n_out)), ("bias", BIAS, (n_out,))):
            _, width, fraction, _, _ = parts(text)
            codes = self.rng.integers(-(1 << width - 1), 1 << width - 1, shape)
            codes = np.where(self.rng.random(shape) < density, codes, 0)
            self.codes[f"{name}.{role}"] = codes
            self.arrays[f"{name}.{role}"] = codes / 2**fraction
        types = {"kernel_type": KERNEL, "bias_type": BIAS, "accumulator": accumulator, "wraps": True, "result": result}
        self.layers.append({"name": name, "kind": "dense", "input": source, "kernel": f"{name}.kernel", "bias": f"{name}.bias"} | types)

    def _relu(self, source, result=HIDDEN):
        self.layers.append({"name": f"{source}_relu", "kind": "relu", "input": source, "result": result})
        return f"{source}_relu"

    def _two(self, kind, name, first, second, result):
        self.layers.append({"name": name, "kind": kind, "inputs": [first, second], "result": result})

    def _layers(self):
        self._dense("extract", "inputs", SIZE, 29, "ap_fixed<16,9>")
        self._dense("features", self._relu("extract"), 29, 10, FEATURE)
        self._dense("enc9", "features", 10, 9, "ap_fixed<16,10>")
        self._dense("enc6", self._relu("enc9"), 9, 6, "ap_fixed<14,9,AP_TRN,AP_SAT>", accumulator="ap_fixed<12,8>")
        self._dense("latent", self._relu("enc6"), 6, 4, "ap_fixed<12,6,AP_RND_CONV,AP_SAT>")
        self._dense("dec6", "latent", 4, 6, "ap_fixed<16,10>")
        self._two("concatenate", "both", self._relu("dec6", "ap_fixed<9,4>"), "latent", "ap_fixed<9,6,AP_RND_CONV,AP_SAT>")
        self._dense("dec9", "both", 10, 9, "ap_fixed<16,10>")
        self._two("add", "skip", self._relu("dec9"), "enc9_relu", HIDDEN)
        self._dense("out", "skip", 9, 10, FEATURE)
        self._two("subtract", "difference", "features", "out", "ap_fixed<11,7>")
        dot = {"accumulator": "ap_fixed<22,15>", "wraps": True, "result": "ap_ufixed<20,15,AP_RND_CONV,AP_SAT>"}
        self.layers.append({"name": "distance", "kind": "dot", "inputs": ["difference"]} | dot)

    def write(self, folder):
        np.savez(folder / "weights.npz", **self.arrays)
        (folder / "network.yaml").write_text(yaml.safe_dump(self.content, sort_keys=False))
        return folder / "network.yaml"

    def evaluate(self, hardware):
        """Codes of all tensors by the contract's names, and the `Integers` that made them."""
        how = Integers()
        tensors = {"hw": hardware, "inputs": self._preprocess(how, hardware)}
        fractions = {"inputs": parts(INPUT)[2]}
        reads = {"inputs": "inputs"}
        for layer in self.layers:
            name = layer["name"]
            sources = [layer["input"]] if "input" in layer else layer["inputs"]
            values, points = [tensors[reads[s]] for s in sources], [fractions[s] for s in sources]
            tensors[name], point = self._layer(how, layer, values, points)
            reads[name] = name
            if "accumulator" in layer:
                reads[name] = f"{name}_result"
                tensors[reads[name]] = how.cast(reads[name], tensors[name], point, layer["result"])
            fractions[name] = parts(layer["result"])[2]
        score = self.content["score"]
        tensors["score"] = how.cast("score", tensors["distance_result"], fractions["distance"], score["type"])
        tensors["trigger"] = (tensors["score"] >= score["threshold"]).astype(np.int64)
        return tensors, how

    def _preprocess(self, how, hardware):
        work = how.cast("work", hardware - self.offset, 0, "ap_fixed<18,13>")
        left, right = np.maximum(-self.shift, 0), np.maximum(self.shift, 0)
        how._count("rounded", "shift", (work >> right) << right != work)
        work = how.in_range("shift", (work >> right) << left, "ap_fixed<18,13>")
        codes = how.cast("inputs", work, 5, INPUT)
        empty = (self.gate >= 0) & (hardware[:, self.gate] == 0)
        return np.where(empty | ~self.present, 0, codes)

    def _layer(self, how, layer, values, points):
        name, kind = layer["name"], layer["kind"]
        if kind == "dense":
            kernel, bias = self.codes[f"{name}.kernel"], self.codes[f"{name}.bias"]
            fraction = points[0] + parts(KERNEL)[2]
            text = layer["accumulator"]
            narrow = kernel.astype(np.int32)  # products of at most 20 bits, in blocks that fit into the cache
            blocks = [block.astype(np.int32)[:, :, None] * narrow for block in np.array_split(values[0], 1 + len(values[0]) // 200)]
            return np.concatenate([how.total(name, block, fraction, bias, parts(BIAS)[2], text) for block in blocks]), parts(text)[2]
        if kind == "dot":
            text = layer["accumulator"]
            nothing = np.zeros(1, np.int64)
            return how.total(name, (values[0] ** 2)[:, :, None], 2 * points[0], nothing, 0, text), parts(text)[2]
        text = layer["result"]
        if kind == "relu":
            return how.cast(name, np.maximum(values[0], 0), points[0], text), None
        if kind == "concatenate":
            return np.concatenate([how.cast(name, v, p, text) for v, p in zip(values, points, strict=True)], axis=1), None
        common = max(points)
        a, b = (value << (common - point) for value, point in zip(values, points, strict=True))
        return how.cast(name, a + b if kind == "add" else a - b, common, text), None
