"""Contracts, opened for a notebook."""

from pathlib import Path

from l1ae.contract import Contract

__all__ = ["load_contract"]


def load_contract(path: str | Path) -> Contract:
    """The contract in a run folder, or in a file such as RUN/contract/contract.json or DELIVERY/contract.json.

    Raises `UserError` when there is none, or when it is damaged.

    >>> contract = l1ae.load_contract(run_folder)
    >>> hardware = l1ae.open_store("zerobias", contract.layout).hardware(0, 1000)
    >>> contract.scores(hardware).shape  # real units
    (1000,)
    >>> contract.trigger_bits(hardware).dtype
    dtype('bool')
    """
    path = Path(path)
    return Contract.load(path / "contract" / "contract.json" if path.is_dir() else path)
