"""The residual networks in the form that classifies fastest, for evaluation only.

BatchNorm is folded into the convolutions, and a CPU does what follows a convolution (adding the shortcut, ReLU) while
its outputs are still in the registers, with weights that are laid out once.
"""

from __future__ import annotations

import copy
import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.fusion import fuse_conv_bn_weights

from harness.models.resnet import ConvNorm, ResNet, followed

_DILATION, _GROUPS = [1, 1], 1
_VECTOR = 16  # float32 numbers of an AVX-512 register


class FoldedConv(nn.Conv2d):
    """A convolution with a bias, and what follows it; its weights take no gradients, its inputs do.

    A CPU takes oneDNN's convolutions with post-operations. In float32 they give the same numbers bit for bit; in
    bfloat16 they round once, where three operations would round three times.
    """

    def __init__(self, conv_norm: ConvNorm) -> None:
        conv, norm = conv_norm.conv, conv_norm.norm
        kernel = conv.kernel_size[0]
        super().__init__(
            conv.in_channels, conv.out_channels, kernel, conv.stride[0], padding=kernel // 2, device="meta"
        )
        assert norm.running_mean is not None
        assert norm.running_var is not None
        self.weight, self.bias = fuse_conv_bn_weights(
            conv.weight, conv.bias, norm.running_mean, norm.running_var, norm.eps, norm.weight, norm.bias
        )
        self.requires_grad_(False)
        self._laid_out: tuple[tuple[int, int], Tensor] | None = None

    def forward(self, x: Tensor, *, added: Tensor | None = None, relu: bool = True) -> Tensor:
        """(n, inputs, h, w) -> (n, outputs, h / stride, w / stride).

        `added` has the result's shape; where gradients are off, the result may take its place.
        """
        if not _can_fuse(x):
            return followed(super().forward(x), added, relu)
        x = x.contiguous(memory_format=torch.channels_last)
        if torch.is_grad_enabled():
            return _Differentiable.apply(x, added, self, relu)  # type: ignore[no-any-return]
        return self.fused(x, added, relu)

    def fused(self, x: Tensor, added: Tensor | None, relu: bool) -> Tensor:
        """One operation of oneDNN, without gradients; x: channels last. The result takes the place of `added`."""
        weight, after = self._weight_for(x), "relu" if relu else None
        shape = (self.padding, self.stride, _DILATION, _GROUPS)
        if added is None:
            convolution = torch.ops.mkldnn._convolution_pointwise.default
            return convolution(x, weight, self.bias, *shape, after or "none", [], "")  # type: ignore[no-any-return]
        # in place, since a third tensor to fetch costs a tenth of a narrow network's forward pass
        convolution = torch.ops.mkldnn._convolution_pointwise_.binary
        added = added.contiguous(memory_format=torch.channels_last)
        return convolution(added, x, weight, self.bias, *shape, "add", 1.0, after, [], "")  # type: ignore[no-any-return]

    def input_gradient(self, gradient: Tensor, x: Tensor) -> Tensor:
        """The gradient in x, (n, inputs, h, w), of a convolution without what follows it."""
        # oneDNN computes a whole register of input channels, however few there are; so squares of pixels fill it
        side = math.isqrt(_VECTOR // self.in_channels) if self.stride == (1, 1) else 0
        if side > 1 and x.shape[2] % side == x.shape[3] % side == 0:
            return F.pixel_shuffle(F.conv2d(gradient, self._squares(side), stride=side, padding=self.padding), side)
        shape = (self.stride, self.padding, _DILATION, False, [0, 0], _GROUPS)
        found, _, _ = torch.ops.aten.convolution_backward(gradient, x, self.weight, None, *shape, [True, False, False])
        return found  # type: ignore[no-any-return]

    def _squares(self, side: int) -> Tensor:
        """The weights (inputs * side^2, outputs, k, k) that give a square of input pixels its gradients at once.

        Each of its pixels has the flipped kernel at its own place, among zeros.
        """
        size = self.kernel_size[0] + side - 1
        shifted = F.pad(self.weight, [side - 1] * 4).unfold(2, size, 1).unfold(3, size, 1)
        return shifted.flip(4, 5).permute(1, 2, 3, 0, 4, 5).flatten(0, 2)

    def _weight_for(self, x: Tensor) -> Tensor:
        """The weights in the order that oneDNN likes best; laid out again if they were changed since."""
        state = self.weight.data_ptr(), 0 if self.weight.is_inference() else self.weight._version
        if self._laid_out is None or self._laid_out[0] != state:
            shape = (self.padding, self.stride, _DILATION, _GROUPS)
            weight = self.weight.contiguous(memory_format=torch.channels_last)
            laid_out = torch.ops.mkldnn._reorder_convolution_weight(weight, *shape, list(x.shape))
            self._laid_out = state, laid_out
        return self._laid_out[1]

    def __getstate__(self) -> dict[str, object]:
        """For copies: oneDNN's own order cannot be copied."""
        return {**self.__dict__, "_laid_out": None}


class _Differentiable(torch.autograd.Function):
    """A fused convolution with the gradients in its inputs, those of its three operations one by one."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, added: Tensor | None, conv: FoldedConv, relu: bool) -> Tensor:
        found = conv.fused(x, None if added is None else added.clone(), relu)
        ctx.save_for_backward(x, found if relu else None)
        ctx.conv = conv
        return found

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, Tensor | None, None, None]:
        x, found = ctx.saved_tensors
        if found is not None:
            gradient = torch.ops.aten.threshold_backward(gradient, found, 0)
        return ctx.conv.input_gradient(gradient, x), gradient if ctx.needs_input_grad[1] else None, None, None


def _can_fuse(x: Tensor) -> bool:
    """Whether this CPU has oneDNN's fused convolutions for x."""
    if x.device.type != "cpu":
        return False
    if x.dtype == torch.bfloat16:
        return bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())
    return x.dtype == torch.float32 and torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]


def folded(network: ResNet) -> ResNet:
    """A copy with BatchNorm folded into its convolutions, in eval mode: the same logits and taps up to rounding.

    Its weights take no gradients, but gradients reach the images.
    """
    found = copy.deepcopy(network)
    _fold(found)
    return found.requires_grad_(False).to(memory_format=torch.channels_last).eval()


def _fold(module: nn.Module) -> None:
    """Replaces each convolution with BatchNorm inside `module`."""
    for name, child in module.named_children():
        if isinstance(child, ConvNorm):
            setattr(module, name, FoldedConv(child))
        else:
            _fold(child)
