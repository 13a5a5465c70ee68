"""What Keras cannot write for lack of space is the same error as everywhere."""

import errno
import sys
import types

import pytest

from l1ae.training import _train

FULL = "Can't decrement id ref count (file write failed: errno = 28, error message = 'No space left on device', buf = 0x1)"


@pytest.mark.parametrize(("text", "kind"), [(FULL, OSError), ("something else", RuntimeError)])
def test_a_full_disk_below_keras_is_an_error_of_the_system(text, kind, tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "unraisablehook", sys.unraisablehook)

    def save_weights(path):
        raise RuntimeError(text)

    with pytest.raises(kind) as error:
        _train._save_weights(types.SimpleNamespace(save_weights=save_weights), tmp_path / "float.weights.h5")
    if kind is OSError:
        assert (error.value.errno, error.value.filename) == (errno.ENOSPC, str(tmp_path / "float.weights.h5"))
    assert list(tmp_path.iterdir()) == []
