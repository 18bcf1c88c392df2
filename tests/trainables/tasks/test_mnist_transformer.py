"""Tests of mnist-transformer: rows are positions, and their order matters."""

from typing import Any

import pytest
import torch

from tuneyard.spaces.tasks.mnist_transformer import MnistTransformerSpace
from tuneyard.trainables.tasks.mnist_transformer import RowEncoder


@pytest.mark.parametrize("seed", range(10))
def test_any_config_fits(seed: int, random_config: Any) -> None:
    model = RowEncoder(random_config("mnist-transformer", seed))
    assert model(torch.rand(3, 1, 28, 28)).shape == (3, 10)


def test_a_position_is_a_row() -> None:
    """Without position vectors, the order of the rows has no effect; that of the columns has."""
    torch.manual_seed(0)
    model = RowEncoder(MnistTransformerSpace()).eval()
    model.encoder.positions.zero_()
    images = torch.rand(2, 1, 28, 28)
    torch.testing.assert_close(model(images.flip(2)), model(images))
    assert not torch.allclose(model(images.flip(3)), model(images), atol=1e-3)
