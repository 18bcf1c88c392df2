"""A GRU over packed sequences on the CPU: the function and weights of `nn.GRU`, but faster.

PyTorch records a dozen operations per step for autograd, each on a slice of a row. Here, each
direction of a layer is one autograd function: each gate is contiguous in memory, and the backward
pass computes everything that does not depend on other steps for all steps at once.
`benchmarks/courses.py` measures the difference.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.autograd.function import FunctionCtx, once_differentiable


def packed_gru(
    layers: nn.GRU, inputs: Tensor, batch_sizes: Tensor, rows: Tensor | None = None
) -> Tensor:
    """The final states of the last layer, both directions side by side.

    Args:
        layers: The stack of GRU layers; there is dropout between them while they train.
        inputs: (N, input_size), as `PackedSequence.data`; with `rows`, a table (V, input_size).
        batch_sizes: The number of sequences at each step, as `PackedSequence.batch_sizes`; they
            sum to N.
        rows: (N,), the row of the table that each step reads. Only the table is projected, which
            saves time if it has fewer rows than there are steps.

    Returns:
        (B, directions * hidden_size), longest sequence first.
    """
    directions = [_steps(batch_sizes)]
    if layers.bidirectional:
        directions.append(directions[0][::-1])
    states: list[Tensor] = []
    for level in range(layers.num_layers):
        if level:
            between = torch.cat(states, 1)
            inputs = nn.functional.dropout(between, layers.dropout, layers.training)
            rows = None
        states = [
            _layer(layers, f"_l{level}{suffix}", inputs, rows, steps)
            for suffix, steps in zip(("", "_reverse"), directions, strict=False)
        ]
    ends = [states[0][_last(batch_sizes)], *(state[: int(batch_sizes[0])] for state in states[1:])]
    return torch.cat(ends, 1)


def _steps(batch_sizes: Tensor) -> list[slice]:
    """The packed rows of each step, in the order of time."""
    ends: list[int] = batch_sizes.cumsum(0).tolist()
    return [slice(start, end) for start, end in zip([0, *ends], ends, strict=False)]


def _last(batch_sizes: Tensor) -> Tensor:
    """The packed row of each sequence's last step (B,)."""
    sequences = torch.arange(int(batch_sizes[0]))
    lengths = (batch_sizes[:, None] > sequences).sum(0)
    return (batch_sizes.cumsum(0) - batch_sizes)[lengths - 1] + sequences


def _layer(
    layers: nn.GRU, name: str, inputs: Tensor, rows: Tensor | None, steps: Sequence[slice]
) -> Tensor:
    """The states (N, H) of one layer, in the direction given by the order of the steps."""
    input_weight, state_weight, input_bias, state_bias = (
        getattr(layers, f"{kind}{name}")
        for kind in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    )
    size = layers.hidden_size
    # the reset gate scales the state bias of the candidate; the other biases are only added
    bias = torch.cat([input_bias[: 2 * size] + state_bias[: 2 * size], input_bias[2 * size :]])
    weight = input_weight.view(3, size, -1).transpose(1, 2)
    projected = torch.baddbmm(bias.view(3, 1, size), inputs.expand(3, -1, -1), weight)
    if rows is not None:
        projected = projected.index_select(1, rows)
    states: Tensor = _Recurrence.apply(
        projected, state_weight.view(3, size, size), state_bias[2 * size :], steps
    )
    return states


class _Context(FunctionCtx):
    """The values that the forward pass saves for the backward pass."""

    saved_tensors: tuple[Tensor, ...]
    steps: Sequence[slice]


class _Recurrence(torch.autograd.Function):
    """h' = (1 - z) c + z h, with c = tanh(x_c + r (W_c h + b)), as `nn.GRU` defines it."""

    @staticmethod
    def forward(
        ctx: _Context, projected: Tensor, weight: Tensor, bias: Tensor, steps: Sequence[slice]
    ) -> Tensor:
        """The states (N, H).

        Args:
            ctx: The context of autograd.
            projected: The contributions of the inputs to reset gate, update gate and candidate,
                (3, N, H).
            weight: The weights from the state to these three, (3, H, H), outputs before inputs.
            bias: The bias of the state's contribution to the candidate, (H,).
            steps: The rows of each step, in the order in which they are read.
        """
        transposed = weight.transpose(1, 2).contiguous()
        gates = torch.empty_like(projected)
        recalled, states = torch.empty_like(projected[0]), torch.empty_like(projected[0])
        previous = torch.zeros_like(projected[0])
        last = previous[:0]
        for step in steps:
            state = previous[step]
            # the number of sequences falls in the forward direction and rises in the backward one
            shared = min(len(state), len(last))
            state[:shared] = last[:shared]
            reset, update, candidate = (gate[step] for gate in gates)
            torch.addmm(projected[0, step], state, transposed[0], out=reset).sigmoid_()
            torch.addmm(projected[1, step], state, transposed[1], out=update).sigmoid_()
            torch.addmm(bias, state, transposed[2], out=recalled[step])
            torch.addcmul(projected[2, step], reset, recalled[step], out=candidate).tanh_()
            last = torch.lerp(candidate, state, update, out=states[step])
        ctx.save_for_backward(weight, gates, recalled, previous)
        ctx.steps = steps
        return states

    @staticmethod
    @once_differentiable
    def backward(ctx: _Context, gradient: Tensor) -> tuple[Tensor, Tensor, Tensor, None]:
        """The gradients of `projected`, `weight` and `bias`."""
        weight, gates, recalled, previous = ctx.saved_tensors
        reset, update, candidate = gates
        candidate_slope = torch.ops.aten.tanh_backward(1 - update, candidate)
        update_slope = torch.ops.aten.sigmoid_backward(previous - candidate, update)
        reset_slope = torch.ops.aten.sigmoid_backward(recalled, reset)
        gate_grads, recalled_grad = torch.empty_like(gates), torch.empty_like(recalled)
        carried = gradient[:0]
        for step in reversed(ctx.steps):
            state_grad = gradient[step].clone()
            shared = min(len(state_grad), len(carried))
            state_grad[:shared] += carried[:shared]
            reset_grad, update_grad, candidate_grad = (gate[step] for gate in gate_grads)
            torch.mul(state_grad, candidate_slope[step], out=candidate_grad)
            torch.mul(state_grad, update_slope[step], out=update_grad)
            torch.mul(candidate_grad, reset_slope[step], out=reset_grad)
            torch.mul(candidate_grad, reset[step], out=recalled_grad[step])
            carried = state_grad.mul_(update[step]).addmm_(reset_grad, weight[0])
            carried.addmm_(update_grad, weight[1]).addmm_(recalled_grad[step], weight[2])
        state_grads = (gate_grads[0], gate_grads[1], recalled_grad)
        weight_grad = torch.stack([gate.t() @ previous for gate in state_grads])
        return gate_grads, weight_grad, recalled_grad.sum(0), None
