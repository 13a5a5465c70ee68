"""Quantizers that a model has as text, such as 'quantized_bits(8,0,alpha=1)'."""

import ast
import inspect
from typing import Any

from l1ae.contract._quantizers import QUANTIZERS, quantizer_refusal
from l1ae.errors import UserError

__all__ = ["called_quantizer"]

# characters; of a call with every argument
_MAX_TEXT = 1000


def called_quantizer(text: str, where: str) -> tuple[str, dict[str, Any]]:
    """Class and arguments of a call of a quantizer with constants; nothing in it is evaluated.

    Raises `UserError` when the text is anything else.
    """
    import qkeras

    call = _parsed(text)
    if call is None or not isinstance(call.func, ast.Name):
        raise UserError(f"{where}: '{text[:80]}' is no call of a quantizer; use one such as quantized_bits(bits, integer, alpha=1)")
    kind = call.func.id
    if kind not in QUANTIZERS:
        raise quantizer_refusal(where, kind)
    try:
        values = [ast.literal_eval(item) for item in call.args]
        named = {str(item.arg): ast.literal_eval(item.value) for item in call.keywords}
        return kind, inspect.signature(getattr(qkeras, kind)).bind(*values, **named).arguments
    except (TypeError, ValueError) as error:
        raise UserError(f"{where}: '{text[:80]}' has arguments that {kind} does not take ({error}); use constants") from error


def _parsed(text: str) -> ast.Call | None:
    if len(text) > _MAX_TEXT:
        return None
    try:
        body = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    return body if isinstance(body, ast.Call) else None
