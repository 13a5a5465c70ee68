"""Damaged descriptions, arrays and contracts: a `UserError` that names the file or the layer, soon, and nothing else."""

import copy
import io
import json
import time
import zipfile

import numpy as np
import pytest
import yaml

from l1ae.contract import Contract, import_description
from l1ae.errors import UserError

NASTY = [
    None, True, -1, 0, 3, 2**31, 10**30, -(10**30), 0.5, 1e300, float("nan"), float("inf"), "", "x", "hw", "../x", "a\nb", "x" * 300, "é",
    [], {}, [[]], [True], [10**30], [0.5], {"x": 1}, [["x"]],
    "ap_fixed<1000,3>", "ap_fixed<8,100000>", "ap_ufixed<1,1>", "ap_fixed<62,-300>",
]  # fmt: skip


def _layers():
    """Every kind of layer once."""
    wide, bits = "ap_fixed<40,24>", "ap_fixed<6,3,AP_RND,AP_SAT>"
    weights = {"kernel_type": "ap_fixed<4,1>", "accumulator": "ap_fixed<30,20>", "result": bits, "wraps": True, "round_weights": True}
    return [
        {"name": "d", "kind": "dense", "input": "inputs", "kernel": "w", "bias": "b", "bias_type": "ap_fixed<4,2>", "transposed": False}
        | weights,
        {"name": "c", "kind": "convolution", "input": "inputs", "kernel": "k", "shape": [2, 2, 1], "stride": [1, 1]} | weights,
        {"name": "r", "kind": "relu", "input": "d", "result": bits},
        {"name": "q", "kind": "quantize", "input": "c", "result": bits},
        {
            "name": "n",
            "kind": "batch_norm",
            "input": "r",
            "scale": "s",
            "bias": "b",
            "scale_type": "ap_fixed<6,3>",
            "bias_type": "ap_fixed<6,3>",
        },
        {"name": "l", "kind": "clamp", "input": "r", "low": -1.5, "high": 2, "result": bits},
        {"name": "a", "kind": "activation", "input": "r", "function": "sigmoid", "table_size": 64, "result": bits},
        {"name": "m", "kind": "multiply", "inputs": ["r", "r"], "result": wide},
        {"name": "o", "kind": "concatenate", "inputs": ["r", "q"], "result": bits},
        {"name": "g", "kind": "select", "input": "o", "index": [0, -1, 2]},
        {"name": "p", "kind": "pool", "input": "o", "windows": "v", "function": "max", "result": wide},
        {"name": "i", "kind": "bins", "input": "hw", "index": [0, 1], "edges": [[1, 2], [5]]},
        {"name": "t", "kind": "lookup", "input": "i", "index": [[0, 1]], "bits": 1, "codes": [1, 2, 3, 4], "result": "ap_ufixed<4,4>"},
        {"name": "e", "kind": "table", "input": "g", "codes": "e", "bits": 2, "result": "ap_ufixed<4,4>"},
        {"name": "f", "kind": "dot", "inputs": ["r"], "accumulator": wide, "wraps": True},
        {"name": "u", "kind": "squared_error", "inputs": ["r", "a"], "result": wide},
        {"name": "z", "kind": "sum", "inputs": ["e", "t"], "halvings": 1, "result": wide},
    ]


def _content():
    how = {"offset": [0.5, 0, 3, 0], "shift": [1, 0, -1, 0], "work": "ap_fixed<16,12>", "result": "ap_fixed<8,6>", "gate": -1}
    return {
        "weights": "weights.npz",
        "hardware": {"size": 4, "width": 6, "signed": True},
        "preprocessing": how,
        "layers": _layers(),
        "score": {"input": "z", "type": "ap_fixed<18,14>", "threshold": 3},
    }


def _arrays():
    rng = np.random.default_rng(1)
    kernels = {
        "w": rng.integers(-8, 8, (4, 3)) / 8,
        "k": rng.integers(-8, 8, (1, 1, 1, 1)) / 8,
        "b": np.array([0.5, 0, 1]),
        "s": np.array([1, 0.5, 2]),
    }
    return kernels | {"v": np.array([[0, 1], [2, 3]]), "e": np.arange(12)}


@pytest.fixture
def folder(tmp_path):
    np.savez(tmp_path / "weights.npz", **_arrays())
    return tmp_path


def _imported(folder, content=None):
    """True when it was imported, False when it was refused as it should be."""
    if content is not None:
        (folder / "network.yaml").write_text(yaml.safe_dump(content, allow_unicode=True))
    started = time.process_time()
    try:
        contract = import_description(folder / "network.yaml", "damaged_v1")
        contract.evaluate(np.zeros((1, contract.hardware.size), np.int64))
        refused = ""
    except UserError as error:
        refused = str(error)
    assert time.process_time() - started < 10
    assert not refused or str(folder) in refused, refused
    return not refused


def _places(content, path=()):
    """The path of every value."""
    yield path
    items = content.items() if isinstance(content, dict) else enumerate(content) if isinstance(content, list) else ()
    for key, value in items:
        yield from _places(value, (*path, key))


def _changed(content, path, change):
    changed = copy.deepcopy(content)
    parent = changed
    for key in path[:-1]:
        parent = parent[key]
    change(parent, path[-1])
    return changed


def test_what_is_not_damaged_is_imported(folder):
    assert _imported(folder, _content())


@pytest.mark.slow
def test_every_key_is_missed(folder):
    """Without a key there is a refusal, or a default."""
    content = _content()
    paths = [path for path in _places(content) if path and isinstance(path[-1], str)]
    found = [_imported(folder, _changed(content, path, lambda parent, key: parent.pop(key))) for path in paths]
    assert len(found) > 100
    assert not all(found)


def _values_of_another_kind(folder, every, start):
    content = _content()
    cases = [(path, value) for path in _places(content) if path for value in NASTY]
    refused = 0
    for path, value in cases[start::every]:
        refused += not _imported(folder, _changed(content, path, lambda parent, key, value=value: parent.__setitem__(key, value)))
    return refused, len(cases[start::every])


def test_some_values_of_another_kind(folder):
    refused, total = _values_of_another_kind(folder, 67, 5)
    assert 0.8 * total < refused <= total


@pytest.mark.exhaustive
@pytest.mark.slow
def test_every_value_of_another_kind(folder):
    refused, total = _values_of_another_kind(folder, 3, 1)
    assert 0.8 * total < refused < total


def _damaged_bytes(rng, content):
    kind = rng.integers(4)
    place, length = int(rng.integers(len(content))), int(rng.integers(1, 40))
    if kind == 0:
        return content[:place]
    if kind == 1:
        return content[:place] + bytes([content[place] ^ (1 << rng.integers(8))]) + content[place + 1 :]
    if kind == 2:
        return content[:place] + rng.bytes(length) + content[place + length :]
    return content[:place] + content[place + length :]


def _damaged_files(folder, name, seed, count):
    rng, content = np.random.default_rng(seed), (folder / name).read_bytes()
    for _ in range(count):
        (folder / name).write_bytes(_damaged_bytes(rng, content))
        _imported(folder)


@pytest.mark.parametrize("name", ["weights.npz", "network.yaml"])
def test_some_damaged_bytes(folder, name):
    _imported(folder, _content())
    _damaged_files(folder, name, 2, 60)


@pytest.mark.exhaustive
@pytest.mark.slow
@pytest.mark.parametrize("name", ["weights.npz", "network.yaml"])
def test_many_damaged_bytes(folder, name):
    _imported(folder, _content())
    _damaged_files(folder, name, 3, 600)


def _contract_bytes(folder):
    assert _imported(folder, _content())
    return import_description(folder / "network.yaml", "damaged_v1").to_json().encode()


@pytest.mark.parametrize("count", [100, pytest.param(1500, marks=pytest.mark.exhaustive)])
def test_damaged_bytes_of_a_contract(folder, count):
    content, rng, path = _contract_bytes(folder), np.random.default_rng(4), folder / "contract.json"
    digest = Contract.from_json(content).digest
    for _ in range(count):
        path.write_bytes(_damaged_bytes(rng, content))
        found = _loaded(path)
        # another number within its range is another contract, which its digest says
        same_length = len(path.read_bytes()) == len(content)
        assert found is None or found.digest != digest or not same_length or json.loads(path.read_bytes()) == json.loads(content)


def _loaded(path):
    """None where it was refused by its name."""
    try:
        return Contract.load(path)
    except UserError as error:
        message = str(error)
    assert str(path) in message
    return None


@pytest.mark.parametrize("every", [41, pytest.param(3, marks=pytest.mark.exhaustive)])
def test_values_of_another_kind_in_a_contract(folder, every):
    content = json.loads(_contract_bytes(folder))
    places = [path for path in _places(content) if path]
    rng = np.random.default_rng(5)
    for path in places[::every]:
        value = NASTY[int(rng.integers(len(NASTY)))]
        text = json.dumps(_changed(content, path, lambda parent, key, value=value: parent.__setitem__(key, value)))
        (folder / "contract.json").write_text(text)
        if (contract := _loaded(folder / "contract.json")) is not None:
            contract.evaluate(np.zeros((1, contract.hardware.size), np.int64))


# -- npz -----------------------------------------------------------------------------------------------------------------


def _npy(header, data=b""):
    text = header.encode()
    text += b" " * (-(len(text) + 11) % 64) + b"\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text + data


def _zip(name, data, compression=zipfile.ZIP_STORED):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", compression) as file:
        file.writestr(name, data)
    return stream.getvalue()


def _pickled():
    stream = io.BytesIO()
    np.save(stream, np.array([{"x": 1}], object), allow_pickle=True)
    return stream.getvalue()


DAMAGED = {
    "10^12 elements": _zip("w.npy", _npy("{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000,), }")),
    "10^40 elements": _zip("w.npy", _npy(f"{{'descr': '<f8', 'fortran_order': False, 'shape': ({10**40},), }}", b"x" * 8)),
    "negative": _zip("w.npy", _npy("{'descr': '<f8', 'fortran_order': False, 'shape': (-1, 4), }", b"x" * 32)),
    "too much": _zip("w.npy", _npy("{'descr': '<f8', 'fortran_order': False, 'shape': (4, 3), }", b"x" * 97)),
    "code": _zip("w.npy", _npy("{'descr': __import__('os').getcwd(), 'fortran_order': False, 'shape': (4, 3), }")),
    "deep": _zip("w.npy", _npy("(" * 5000 + ")" * 5000)),
    "pickle": _zip("w.npy", _pickled()),
    "no npy": _zip("w.npy", b"hello"),
    "bomb": _zip(
        "w.npy", _npy("{'descr': '|u1', 'fortran_order': False, 'shape': (200000000,), }", bytes(200_000_000)), zipfile.ZIP_DEFLATED
    ),
    "empty": b"",
    "text": b"hello\n" * 100,
    "npy": _npy("{'descr': '<f8', 'fortran_order': False, 'shape': (1,), }", b"x" * 8),
}


@pytest.mark.parametrize("case", DAMAGED)
def test_npz_files_that_say_more_than_they_hold(folder, case):
    """Of the bomb nothing is unpacked; of what claims 10^12 elements nothing is reserved."""
    _imported(folder, _content())
    (folder / "weights.npz").write_bytes(DAMAGED[case])
    started = time.process_time()
    with pytest.raises(
        UserError, match=r"weights.npz' (is no readable npz file of plain arrays \(.*\); write it with numpy.savez|holds 190 MiB)"
    ):
        import_description(folder / "network.yaml", "damaged_v1")
    assert time.process_time() - started < 2


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.full((4, 3), 2**63, np.uint64), "array 'w' holds integers beyond 2"),
        (np.full((4, 3), 2**53 + 1), "array 'w' holds integers beyond 2"),
        (np.full((4, 3), 0.5, np.longdouble), "must hold real numbers, not .*; 64 bits at most"),
        (np.full((4, 3), 1e300), r"'w'\[0, 0\] = 1.0\d*e\+300 lies outside fixed<4,1>"),
        (np.full((4, 3), "x"), "must hold real numbers, not <U1"),
        (np.zeros((4, 3), [("a", float)]), "must hold real numbers, not"),
        (np.zeros(()), "array 'w' is a single number; give it a shape"),
        (np.zeros((0, 3)), "kernel must have shape"),
        (np.zeros((4, 0)), "its size must be positive, not 0"),
    ],
)
def test_weights_that_are_none(folder, array, message):
    np.savez(folder / "weights.npz", **(_arrays() | {"w": array}))
    (folder / "network.yaml").write_text(yaml.safe_dump(_content()))
    with pytest.raises(UserError, match=f"network.yaml: layer 'd'.*{message}"):
        import_description(folder / "network.yaml", "damaged_v1")


@pytest.mark.parametrize("values", [[2**63, 0], [2**62, -(2**62)]])
def test_indices_beyond_all_bits(folder, values):
    array = np.array([values, values], np.uint64 if min(values) >= 0 else np.int64)
    np.savez(folder / "weights.npz", **(_arrays() | {"v": array}))
    (folder / "network.yaml").write_text(yaml.safe_dump(_content()))
    with pytest.raises(UserError, match=r"network.yaml: layer 'p', windows: array 'v' holds integers beyond 61 bits"):
        import_description(folder / "network.yaml", "damaged_v1")
