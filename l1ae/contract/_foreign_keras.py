"""A quantized Keras model that somebody else saved."""

import zipfile
from pathlib import Path
from typing import Any

from l1ae.errors import UserError

__all__ = ["load_keras"]


def load_keras(path: Path) -> Any:
    """The model in a `.keras` file, with the layers of Keras, QKeras and l1ae; `build_contract` makes its contract.

    Keras' safe mode stays on, which refuses Python code in the file.
    Raises `UserError` when there is no such file, when it is none, or when it needs other layers or Python code.
    """
    import keras
    import qkeras  # noqa: F401  (registers its layers)

    import l1ae.models  # noqa: F401  (registers its layers)

    if not path.is_file():
        raise UserError(f"'{path}' does not exist; give the .keras file that model.save('NAME.keras') wrote")
    if not zipfile.is_zipfile(path):
        raise UserError(
            f"'{path}' is no .keras file of Keras 3; load the model where it was made and write it with model.save('NAME.keras')"
        )
    try:
        return keras.models.load_model(path, compile=False, safe_mode=True)
    except (OSError, ValueError, TypeError, KeyError, ImportError, AttributeError) as error:
        raise UserError(
            f"'{path}' cannot be loaded ({str(error).splitlines()[0]}); it may hold layers of Keras, QKeras and l1ae only, "
            f"and no Python functions"
        ) from error
