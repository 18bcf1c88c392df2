"""Tests of the Transformer encoder: equality with torch's, masks, positions and pooling."""

import math
from itertools import product
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from tuneyard.spaces.fields.encoder import TransformerSpace
from tuneyard.trainables.layers.encoder import Encoder, EncoderLayer, pool, sine_positions

LENGTHS = torch.tensor([5, 1, 3])
PRESENT = torch.arange(5) < LENGTHS[:, None]
POOLINGS = ["mean", "first", "max"]


def torchs_layer(mine: EncoderLayer, dropout: float = 0.0) -> nn.TransformerEncoderLayer:
    """Torch's layer with the weights of the layer under test."""
    width, feedforward = mine.expand.in_features, mine.expand.out_features
    layer = nn.TransformerEncoderLayer(
        width, mine.heads, feedforward, dropout, batch_first=True, norm_first=mine.norm_first
    )
    queries, values = mine.queries_values.weight.chunk(2)
    query_bias, value_bias = mine.queries_values.bias.chunk(2)
    layer.load_state_dict(
        {
            "self_attn.in_proj_weight": torch.cat([queries, mine.keys.weight, values]),
            # a bias of the keys has no effect
            "self_attn.in_proj_bias": torch.cat([query_bias, torch.randn(width), value_bias]),
            "self_attn.out_proj.weight": mine.merge.weight,
            "self_attn.out_proj.bias": mine.merge.bias,
            "linear1.weight": mine.expand.weight,
            "linear1.bias": mine.expand.bias,
            "linear2.weight": mine.contract.weight,
            "linear2.bias": mine.contract.bias,
            "norm1.weight": mine.attention_norm.weight,
            "norm1.bias": mine.attention_norm.bias,
            "norm2.weight": mine.feedforward_norm.weight,
            "norm2.bias": mine.feedforward_norm.bias,
        }
    )
    return layer


@pytest.mark.parametrize(
    ("norm_first", "masked", "heads"), list(product([False, True], [False, True], [1, 4]))
)
def test_a_layer_equals_torchs(norm_first: bool, masked: bool, heads: int) -> None:
    torch.manual_seed(0)
    mine = EncoderLayer(8, heads, 13, dropout=0.0, norm_first=norm_first)
    theirs = torchs_layer(mine)
    states = torch.randn(3, 5, 8)
    present = PRESENT if masked else None
    padding = ~PRESENT if masked else None
    answer, expected = mine(states, present), theirs(states, src_key_padding_mask=padding)
    where = PRESENT if masked else torch.ones_like(PRESENT)
    torch.testing.assert_close(answer[where], expected[where])
    # the gradients agree too
    answer[where].square().sum().backward()
    expected[where].square().sum().backward()
    torch.testing.assert_close(mine.merge.weight.grad, theirs.self_attn.out_proj.weight.grad)
    torch.testing.assert_close(mine.expand.bias.grad, theirs.linear1.bias.grad)


def test_dropout_is_at_the_same_places_as_torchs() -> None:
    """The mean square over many draws shows how much is dropped, and where."""
    torch.manual_seed(0)
    mine = EncoderLayer(8, 2, 16, dropout=0.5, norm_first=True)
    theirs = torchs_layer(mine, dropout=0.5)
    states = torch.randn(1, 4, 8).expand(4000, 4, 8)
    with torch.no_grad():
        moments = [layer(states, None).square().mean(0) for layer in (mine, theirs)]
    torch.testing.assert_close(moments[0], moments[1], rtol=0.1, atol=0.02)
    mine.eval()
    assert torch.equal(mine(states[:1], None), mine(states[:1], None))


def encoder(**fields: Any) -> Encoder:
    torch.manual_seed(0)
    config = TransformerSpace(heads=2, head_width=8, feedforward=32, dropout=0.0, **fields)
    return Encoder(config, longest=9).eval()


@pytest.mark.parametrize(
    ("pooling", "norm", "positions"), list(product(POOLINGS, ["post", "pre"], ["sine", "learned"]))
)
def test_padding_never_changes_an_answer(pooling: str, norm: str, positions: str) -> None:
    model = encoder(pooling=pooling, norm=norm, positions=positions)
    sequences = torch.randn(3, 5, 16)
    answer = model(sequences, PRESENT)
    assert answer.shape == (3, 16)
    other = torch.where(PRESENT[..., None], sequences, 1e4)
    torch.testing.assert_close(model(other, PRESENT), answer)
    longer = nn.functional.pad(other, (0, 0, 0, 4), value=-7.0)
    torch.testing.assert_close(model(longer, nn.functional.pad(PRESENT, (0, 4))), answer)
    for row, length in enumerate(LENGTHS.tolist()):
        alone = model(sequences[row : row + 1, :length])
        torch.testing.assert_close(alone[0], answer[row])


def test_the_order_of_a_sequence_matters_by_its_positions_alone() -> None:
    sequences = torch.randn(2, 6, 16)
    model = encoder()
    assert not torch.allclose(model(sequences), model(sequences.flip(1)), atol=1e-3)
    model.positions.zero_()
    torch.testing.assert_close(model(sequences), model(sequences.flip(1)))


@given(
    states=st.integers(0, 999).map(
        lambda seed: torch.randn(3, 5, 2, generator=torch.Generator().manual_seed(seed))
    ),
    pooling=st.sampled_from(POOLINGS),
)
def test_pooling_ignores_padding(states: Tensor, pooling: Any) -> None:
    pooled = pool(states, PRESENT, pooling)
    whole = torch.ones_like(PRESENT)
    torch.testing.assert_close(pool(states, None, pooling), pool(states, whole, pooling))
    for row, length in enumerate(LENGTHS.tolist()):
        there = states[row, :length]
        expected = {"mean": there.mean(0), "first": there[0], "max": there.max(0).values}[pooling]
        torch.testing.assert_close(pooled[row], expected)


def test_sine_positions_equal_the_papers() -> None:
    positions = sine_positions(20, 6)
    assert positions.shape == (20, 6)
    for place, feature in product([0, 1, 19], range(6)):
        angle = place / 10000 ** (2 * (feature // 2) / 6)
        expected = math.cos(angle) if feature % 2 else math.sin(angle)
        assert positions[place, feature].item() == pytest.approx(expected, abs=1e-5)


def test_only_learned_positions_are_trained() -> None:
    trained = {positions: encoder(positions=positions) for positions in ("sine", "learned")}
    named = {key: dict(model.named_parameters()) for key, model in trained.items()}
    assert named["learned"].keys() - named["sine"].keys() == {"positions"}
    assert named["learned"]["positions"].shape == (9, 16)
