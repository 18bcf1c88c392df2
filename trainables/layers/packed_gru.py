"""A GRU over packed sequences on the CPU: `nn.GRU`'s function and weights in less time.

PyTorch records a dozen operations a step for autograd, each on a slice of a row. Here a layer and
direction is one autograd function: each gate lies in one block of memory, and in the backward pass
all that needs no earlier step is done for all steps at once (benchmarks/courses.py measures it).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.autograd.function import FunctionCtx, once_differentiable


def packed_gru(
    layers: nn.GRU, inputs: Tensor, batch_sizes: Tensor, rows: Tensor | None = None
) -> Tensor:
    """Final states of the last layer, both directions side by side.

    Args:
        layers: Their weights; dropout between them where they train.
        inputs: (N, input_size), as `PackedSequence.data`; with `rows` a table (V, input_size).
        batch_sizes: Sequences at each step, as `PackedSequence.batch_sizes`; they sum to N.
        rows: (N,), which row of the table each step reads. The table is projected once, which
            saves work where it has fewer rows than there are steps.

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
    """The packed rows of each step, first step first."""
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
    """States (N, H) of one layer in the direction of the steps."""
    of_input, of_state, input_bias, state_bias = (
        getattr(layers, f"{kind}{name}")
        for kind in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    )
    size = layers.hidden_size
    # the candidate's state bias is scaled by the reset gate; the others are just added
    bias = torch.cat([input_bias[: 2 * size] + state_bias[: 2 * size], input_bias[2 * size :]])
    weight = of_input.view(3, size, -1).transpose(1, 2)
    projected = torch.baddbmm(bias.view(3, 1, size), inputs.expand(3, -1, -1), weight)
    if rows is not None:
        projected = projected.index_select(1, rows)
    states: Tensor = _Recurrence.apply(
        projected, of_state.view(3, size, size), state_bias[2 * size :], steps
    )
    return states


class _Context(FunctionCtx):
    """What the forward pass leaves to the backward pass."""

    saved_tensors: tuple[Tensor, ...]
    steps: Sequence[slice]


class _Recurrence(torch.autograd.Function):
    """h' = (1 - z) c + z h, with c = tanh(x_c + r (W_c h + b)), as `nn.GRU` defines it."""

    @staticmethod
    def forward(
        ctx: _Context, projected: Tensor, weight: Tensor, bias: Tensor, steps: Sequence[slice]
    ) -> Tensor:
        """States (N, H).

        Args:
            ctx: Of autograd.
            projected: What the inputs add to reset gate, update gate and candidate (3, N, H).
            weight: What the state adds to them (3, H, H), to by from.
            bias: Of the candidate's state (H,).
            steps: Rows of each step, in the order in which they are read.
        """
        transposed = weight.transpose(1, 2).contiguous()
        gates = torch.empty_like(projected)
        of_state, states = torch.empty_like(projected[0]), torch.empty_like(projected[0])
        before = torch.zeros_like(projected[0])
        last = before[:0]
        for step in steps:
            state = before[step]
            # sequences end on the way forward and begin on the way back
            there = min(len(state), len(last))
            state[:there] = last[:there]
            reset, update, candidate = (gate[step] for gate in gates)
            torch.addmm(projected[0, step], state, transposed[0], out=reset).sigmoid_()
            torch.addmm(projected[1, step], state, transposed[1], out=update).sigmoid_()
            recalled = torch.addmm(bias, state, transposed[2], out=of_state[step])
            torch.addcmul(projected[2, step], reset, recalled, out=candidate).tanh_()
            last = torch.lerp(candidate, state, update, out=states[step])
        ctx.save_for_backward(weight, gates, of_state, before)
        ctx.steps = steps
        return states

    @staticmethod
    @once_differentiable
    def backward(ctx: _Context, gradient: Tensor) -> tuple[Tensor, Tensor, Tensor, None]:
        """Gradients of `projected`, `weight` and `bias`."""
        weight, gates, of_state, before = ctx.saved_tensors
        reset, update, candidate = gates
        to_candidate = torch.ops.aten.tanh_backward(1 - update, candidate)
        to_update = torch.ops.aten.sigmoid_backward(before - candidate, update)
        to_reset = torch.ops.aten.sigmoid_backward(of_state, reset)
        of_gates, of_recalled = torch.empty_like(gates), torch.empty_like(of_state)
        carried = gradient[:0]
        for step in reversed(ctx.steps):
            here = gradient[step].clone()
            there = min(len(here), len(carried))
            here[:there] += carried[:there]
            of_reset, of_update, of_candidate = (gate[step] for gate in of_gates)
            torch.mul(here, to_candidate[step], out=of_candidate)
            torch.mul(here, to_update[step], out=of_update)
            torch.mul(of_candidate, to_reset[step], out=of_reset)
            recalled = torch.mul(of_candidate, reset[step], out=of_recalled[step])
            carried = here.mul_(update[step]).addmm_(of_reset, weight[0])
            carried.addmm_(of_update, weight[1]).addmm_(recalled, weight[2])
        by_gate = (of_gates[0], of_gates[1], of_recalled)
        of_weight = torch.stack([gate.t() @ before for gate in by_gate])
        return of_gates, of_weight, of_recalled.sum(0), None
