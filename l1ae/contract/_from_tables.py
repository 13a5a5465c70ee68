"""The contract of a sum of tables over binned columns: bins, tables, their sum, and nothing else."""

import numpy as np

from l1ae.config import Config
from l1ae.contract._builder import Builder, add_event
from l1ae.contract._contract import Contract
from l1ae.contract._ops import Binning, IntArray, Lookup
from l1ae.contract._scores import add_score
from l1ae.inputs import FixedFormat
from l1ae.tables import AdditiveTables

__all__ = ["tables_contract"]

_FUNCTIONS = {"surprisal": "-log2 p", "log_ratio": "log2 of a ratio of p"}


def tables_contract(config: Config, model: AdditiveTables) -> Contract:
    """The contract of a model made of tables, threshold 0.

    Each table loses its least entry, a constant that changes no rate, and the rest is rounded to `model.table_type`; it has a power of two
    of entries, of which those beyond the last bin, that no input reaches, repeat it. Raises `UserError` where a table is too large.
    """
    builder = Builder()
    event = add_event(builder, config.inputs.selected, config.inputs.added)
    widths = [max(len(edges).bit_length(), 1) for edges in model.edges]
    builder.add(
        Binning(
            name="bins",
            inputs=(event,),
            format=FixedFormat(False, max(widths), max(widths)),
            size=len(widths),
            index=np.array(model.columns, np.int64),
            edges=tuple(tuple(edges.tolist()) for edges in model.edges),
        )
    )
    form = config.model.table_type
    bits = [[widths[k] for k in part] for part in model.parts]
    tables = [_padded(form.quantize(table - table.min()), own) for table, own in zip(model.tables, bits, strict=True)]
    builder.add(
        Lookup.of_tables(tables, model.parts, bits, name="terms", inputs=("bins",), format=form, function=_FUNCTIONS[config.model.score])
    )
    add_score(builder, config, [builder.sum(config.model.score, "terms", halvings=model.halvings)])
    return Contract(config.project, tuple(builder.operations), config.inputs.selected)


def _padded(table: IntArray, widths: list[int]) -> IntArray:
    """(2**sum(widths),): an axis for each code, filled up with its last entries."""
    missing = [(0, (1 << width) - size) for width, size in zip(widths, table.shape, strict=True)]
    return np.pad(table, missing, mode="edge").ravel()
