"""What is needed of a softmax over the vocabulary, for CUDA in Triton: each row is read twice and written once.

PyTorch's own operations read and write the logits about ten times, which takes longer than the products of matrices
that make and use them. Triton comes with PyTorch's CUDA builds for Linux.
"""

# No `from __future__ import annotations`: Triton looks at the annotations of a kernel's parameters.
import torch
import triton
import triton.language as tl
from torch import Tensor

BLOCK = 4096  # logits of a row that are handled at once


@triton.jit  # type: ignore[untyped-decorator]  # Triton has no types
def _rows(  # type: ignore[no-untyped-def]  # pointers and numbers, typed by the compiler
    logits,
    stride,
    width,
    bias,
    targets,
    over_temperature,
    logp,
    entropy,
    slope_logp,
    slope_entropy,
    slopes,
    slopes_stride,
    HAS_BIAS: tl.constexpr,
    HAS_SLOPES: tl.constexpr,
    SIZE: tl.constexpr,
):
    row = tl.program_id(0).to(tl.int64)
    target = tl.load(targets + row)
    picked = tl.load(logits + row * stride + target).to(tl.float32)
    if HAS_BIAS:
        picked += tl.load(bias + target).to(tl.float32)
    picked *= over_temperature
    top = picked
    total = tl.zeros((SIZE,), tl.float32)
    inner = tl.zeros((SIZE,), tl.float32)  # sum of exp(z - top) (z - top), lane by lane
    for start in range(0, width, SIZE):
        at = start + tl.arange(0, SIZE)
        inside = at < width
        z = tl.load(logits + row * stride + at, mask=inside, other=0.0).to(tl.float32)
        if HAS_BIAS:
            z += tl.load(bias + at, mask=inside, other=0.0).to(tl.float32)
        z = tl.where(inside, z * over_temperature, -1e30)  # infinity would make its product with 0 NaN
        higher = tl.maximum(top, tl.max(z, axis=0))
        shrunk = tl.exp(top - higher)
        e = tl.exp(z - higher)
        inner = (inner + total * (top - higher)) * shrunk + e * (z - higher)
        total = total * shrunk + e
        top = higher
    mass = tl.sum(total, axis=0)
    log_mass = tl.log(mass)
    uncertainty = log_mass - tl.sum(inner, axis=0) / mass
    tl.store(logp + row, picked - top - log_mass)
    tl.store(entropy + row, uncertainty)
    if HAS_SLOPES:
        by_logp = tl.load(slope_logp + row) * over_temperature
        by_entropy = tl.load(slope_entropy + row) * over_temperature
        for start in range(0, width, SIZE):
            at = start + tl.arange(0, SIZE)
            inside = at < width
            z = tl.load(logits + row * stride + at, mask=inside, other=0.0).to(tl.float32)
            if HAS_BIAS:
                z += tl.load(bias + at, mask=inside, other=0.0).to(tl.float32)
            log_p = z * over_temperature - top - log_mass
            slope = -tl.exp(log_p) * (by_logp + by_entropy * (log_p + uncertainty))
            slope += tl.where(at == target, by_logp, 0.0)
            tl.debug_barrier()  # narrower numbers go where the logits of this block, or of earlier ones, were read
            tl.store(slopes + row * slopes_stride + at, slope.to(slopes.dtype.element_ty), mask=inside)


def score(
    logits: Tensor,
    bias: Tensor | None,
    temperature: float,
    targets: Tensor,
    slopes: tuple[Tensor, Tensor] | None,
    dtype: torch.dtype,
) -> tuple[Tensor, Tensor, Tensor]:
    """Log-probability of each target, and entropy, of the distributions given by logits.

    Args:
        logits: `[n, V]` in float32 on CUDA, rows contiguous; their memory is used up if slopes are given.
        bias: `[V]`, added to the logits, or `None`.
        temperature: divisor of the logits.
        targets: `[n]`.
        slopes: gradients by log-probability and by entropy, `[n]` each, or `None`.
        dtype: of the gradient by logits.

    Returns:
        `[n]`, `[n]`, and the gradient by the logits before bias and temperature, `[n, V]`, in the memory of `logits`;
        without slopes it is not written.
    """
    count, width = logits.shape
    logp, entropy = logits.new_empty(2, count)
    gradient = logits.view(dtype)[:, :width]
    by_logp, by_entropy = (logp, entropy) if slopes is None else slopes
    with torch.cuda.device_of(logits):  # type: ignore[no-untyped-call]  # torch leaves it untyped
        _rows[(count,)](
            logits,
            logits.stride(0),
            width,
            logits if bias is None else bias,
            targets,
            1 / temperature,
            logp,
            entropy,
            by_logp.contiguous(),
            by_entropy.contiguous(),
            gradient,
            gradient.stride(0),
            HAS_BIAS=bias is not None,
            HAS_SLOPES=slopes is not None,
            SIZE=BLOCK,
            num_warps=8,
        )
    return logp, entropy, gradient
