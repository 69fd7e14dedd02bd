"""A device that is not there, for tests of what would otherwise need a GPU.

Its tensors hold numbers, on the CPU, but refuse what a GPU's refuse: other tensors beside them, generators of the CPU,
and operations that torch has no CUDA kernel for. torch knows it by the name `meta`. What it cannot pretend: autocast,
inference mode, streams that run side by side.

torch's own pretence, FakeTensorMode on "cuda", holds no numbers, and where there is no GPU its backward pass asks the
driver for one.
"""

from __future__ import annotations

import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any, NamedTuple
from unittest.mock import Mock, patch

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode, return_and_correct_aliasing
from torch.utils._pytree import tree_leaves, tree_map

import harness

DEVICE = torch.device("meta")
_CPU = torch.device("cpu")
_PACKAGE = Path(harness.__file__).parent
_COPIES = {torch.ops.aten.copy_.default, torch.ops.aten._to_copy.default}
_INDEXING = {
    torch.ops.aten.index.Tensor,
    torch.ops.aten.index_put.default,
    torch.ops.aten.index_put_.default,
}
_KERNELS = ("CUDA", "CompositeExplicitAutograd", "CompositeExplicitAutogradNonFunctional", "CompositeImplicitAutograd")
"""Where torch looks for what a GPU does, if it was built for GPUs."""
_READS = {torch.ops.aten._local_scalar_dense.default, torch.ops.aten.nonzero.default, torch.ops.aten.equal.default}


class MixedDevices(RuntimeError):
    """What a GPU would refuse, too."""


class NoKernel(NotImplementedError):
    """What torch can do on a CPU only."""


class _Placed(Tensor):
    """A tensor on the device; `numbers` is where it really is."""

    numbers: Tensor
    __torch_function__ = torch._C._disabled_torch_function_impl

    @staticmethod
    def __new__(cls, numbers: Tensor) -> _Placed:
        layout = {"strides": numbers.stride(), "storage_offset": numbers.storage_offset(), "dtype": numbers.dtype}
        found: _Placed = Tensor._make_wrapper_subclass(cls, numbers.shape, **layout, device=DEVICE)  # type: ignore[attr-defined]
        found.numbers = numbers
        return found

    @classmethod
    def __torch_dispatch__(cls, operation: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        raise AssertionError("a tensor of the pretended device outlived it")

    def tolist(self) -> Any:
        return self.cpu().tolist()


class PretendedDevice(TorchDispatchMode):
    """While it is there, what is made on or sent to DEVICE is on it."""

    def __init__(self) -> None:
        super().__init__()
        self.waits: list[str] = []
        """The lines of the package that read from the device, each time that they did: a GPU makes them wait."""
        self.sends: list[str] = []
        """Those that sent something there: a graph cannot be recorded of that."""

    def __torch_dispatch__(self, operation: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        tensors = [leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, Tensor)]
        placed = any(isinstance(tensor, _Placed) for tensor in tensors)
        target = torch.device(kwargs["device"]) if kwargs.get("device") is not None else None
        if not placed and target != DEVICE:
            return operation(*args, **kwargs)
        beside = [args[0], *tree_leaves(args[2:])] if operation in _INDEXING else tensors
        self._check(operation, [each for each in beside if isinstance(each, Tensor)], kwargs.get("generator"))
        stays = placed
        if target:
            kwargs, stays = {**kwargs, "device": _CPU}, target == DEVICE
        elif operation is torch.ops.aten.copy_.default:
            stays = isinstance(args[0], _Placed)
        if placed and (not stays or operation in _READS or _masks(operation, args)):
            self.waits.append(_line())
        if stays and operation in _COPIES and not all(isinstance(tensor, _Placed) for tensor in tensors):
            self.sends.append(_line())
        found = operation(*tree_map(_numbers, args), **tree_map(_numbers, kwargs))
        if not stays:
            return found
        found = tree_map(lambda leaf: _Placed(leaf) if isinstance(leaf, Tensor) else leaf, found)
        return return_and_correct_aliasing(operation, args, kwargs, found)

    def _check(self, operation: Any, tensors: Sequence[Tensor], generator: torch.Generator | None) -> None:
        """Scalars and indices of the CPU are welcome on a GPU, too."""
        has = torch._C._dispatch_has_kernel_for_dispatch_key
        if torch.backends.cuda.is_built() and not any(has(operation.name(), key) for key in _KERNELS):
            raise NoKernel(f"{operation} has no CUDA kernel")
        elsewhere = [each for each in tensors if not isinstance(each, _Placed) and each.dim() > 0]
        if elsewhere and len(elsewhere) < len(tensors) and operation not in _COPIES:
            raise MixedDevices(f"{operation} of tensors on two devices")
        if generator is not None:
            raise MixedDevices(f"{operation} on the device with a generator of the CPU")


@contextmanager
def pretended_device() -> Iterator[PretendedDevice]:
    """The device is there, and torch's Python code takes it for one that it knows."""
    make, autocast = torch.tensor, torch.autocast

    def tensor(data: object, *, device: torch.device | None = None, **options: Any) -> Tensor:
        return make(data, **options).to(device or _CPU)

    def float32_only(kind: str, *args: Any, **options: Any) -> torch.autocast:
        return autocast("cpu" if kind == DEVICE.type else kind, *args, **options)

    with (
        patch("torch.tensor", tensor),
        patch("torch.autocast", float32_only),
        patch("torch._C._InferenceMode", lambda mode: torch.no_grad()),
        PretendedDevice() as device,
    ):
        yield device


class _Call(NamedTuple):
    operation: Any
    args: Any
    kwargs: Any
    found: Any


class _Graph(TorchDispatchMode):
    """A CUDA graph: while it is recorded nothing changes, when it is replayed all is done again at the same places."""

    def __init__(self) -> None:
        super().__init__()
        self._calls: list[_Call] = []
        self._own: set[int] = set()
        self._before: list[tuple[Tensor, Tensor]] = []

    def __torch_dispatch__(self, operation: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        for tensor in _written(operation, args, kwargs):
            if _place(tensor) not in self._own:
                self._before.append((tensor, tensor.clone()))
        found = operation(*args, **kwargs)
        if not _aliases(operation):
            self._own |= {_place(leaf) for leaf in tree_leaves(found) if isinstance(leaf, Tensor)}
        self._calls.append(_Call(operation, args, kwargs, found))
        return found

    @contextmanager
    def recorded(self) -> Iterator[None]:
        with self:
            yield
        for tensor, before in reversed(self._before):
            tensor.detach().copy_(before)

    @torch.no_grad()
    def replay(self) -> None:
        for call in self._calls:
            found = call.operation(*call.args, **call.kwargs)
            if not _aliases(call.operation):
                for place, leaf in zip(tree_leaves(call.found), tree_leaves(found), strict=True):
                    if isinstance(leaf, Tensor):
                        place.detach().copy_(leaf.reshape(place.shape))  # its shape may have been changed since


@contextmanager
def pretended_graphs() -> Iterator[None]:
    """CUDA graphs of what runs on the device."""
    stream = Mock(device=DEVICE)
    with (
        patch("torch.cuda.Stream", lambda device: stream),
        patch("torch.cuda.current_stream", lambda device: stream),
        patch("torch.cuda.stream", nullcontext),
        patch("torch.cuda.CUDAGraph", _Graph),
        patch("torch.cuda.graph", lambda graph, stream: graph.recorded()),
    ):
        yield


def _written(operation: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> list[Tensor]:
    """The tensors that an operation writes into."""
    values = [*args, *(kwargs.get(each.name) for each in operation._schema.arguments[len(args) :])]
    writes = [each.alias_info is not None and each.alias_info.is_write for each in operation._schema.arguments]
    if operation is torch.ops.aten.native_batch_norm.default:
        writes[3:5] = True, True  # the running statistics, which its schema is silent about
    leaves = tree_leaves([value for value, write in zip(values, writes, strict=True) if write])
    return [leaf for leaf in leaves if isinstance(leaf, Tensor)]


def _aliases(operation: Any) -> bool:
    """Whether what it returns is, or lies within, what it was given."""
    return any(each.alias_info is not None for each in operation._schema.returns) or not operation._schema.returns


def _place(tensor: Tensor) -> int:
    return _numbers(tensor).untyped_storage().data_ptr()  # type: ignore[no-any-return]


def _numbers(leaf: Any) -> Any:
    return leaf.numbers if isinstance(leaf, _Placed) else leaf


def _masks(operation: Any, args: Sequence[Any]) -> bool:
    """Whether it picks by a mask, so that the result's size has to be asked for."""
    return operation in _INDEXING and any(index is not None and index.dtype == torch.bool for index in args[1])


def _line() -> str:
    """Where in the package we are."""
    frames = [frame for frame in traceback.extract_stack() if Path(frame.filename).is_relative_to(_PACKAGE)]
    return f"{Path(frames[-1].filename).relative_to(_PACKAGE)}: {frames[-1].line}" if frames else "a test"
