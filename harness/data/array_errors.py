"""What libraries raise of array files that are none, which is more than their pages say. Free of torch."""

from __future__ import annotations

from tokenize import TokenError

from safetensors import SafetensorError

NOT_NUMPY = (ValueError, TypeError, OverflowError, SyntaxError, TokenError, RecursionError, MemoryError)
"""NumPy's reader of .npy files: a header is parsed as Python, and then made a type and a shape."""

NOT_TENSORS = (SafetensorError, ValueError, TypeError, AttributeError, KeyError)
"""safetensors' reader for NumPy: the last three for types that NumPy does not have, such as bfloat16."""


def one_line(error: Exception) -> str:
    """What such an error says, in one line of bearable length: headers from elsewhere are quoted in it."""
    return " ".join(str(error).split())[:200] or type(error).__name__
