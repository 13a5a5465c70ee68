"""What `import l1ae` costs, and what it brings with it."""

import json
import subprocess
import sys

import pytest

HEAVY = ("numpy", "tensorflow", "keras", "hls4ml", "matplotlib", "scipy", "sklearn", "h5py", "pydantic", "yaml", "uproot", "awkward")
_PROGRAM = """
import json, sys, time
start = time.perf_counter()
{statement}
print(json.dumps([time.perf_counter() - start, sorted(set(sys.modules) & {{*{heavy!r}}})]))
"""


def measured(statement):
    """Seconds that a statement takes in a fresh interpreter, and which heavy packages it imports."""
    program = _PROGRAM.format(statement=statement, heavy=HEAVY)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def test_the_import_takes_less_than_a_third_of_a_second_and_brings_nothing():
    runs = [measured("import l1ae; dir(l1ae)") for _ in range(5)]
    assert min(seconds for seconds, _ in runs) < 0.3
    assert all(not brought for _, brought in runs)


@pytest.mark.parametrize("statement", ["import l1ae; l1ae.UserError", "import l1ae; l1ae.open_store('zerobias').hardware(0, 5)"])
def test_reading_needs_neither_models_nor_figures(statement):
    assert not {"tensorflow", "keras", "hls4ml", "matplotlib", "sklearn"} & set(measured(statement)[1])
