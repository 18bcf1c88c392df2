"""The network of the image autoencoders, and the conversion of its logits to grey levels."""

from __future__ import annotations

from torch import Tensor, nn

from tuneyard.datasets.images import SIZE
from tuneyard.spaces.fields.autoencoder import AutoencoderSpace
from tuneyard.trainables.layers.blocks import hidden_layers
from tuneyard.trainables.problems.images import BRIGHTEST

PIXELS = SIZE**2


class EncoderDecoder(nn.Module):
    """An encoder, and a decoder with the same layers in reverse order.

    Args:
        config: The sizes of the layers and the activation.
        outputs: The number of outputs of the encoder; the decoder reads ``config.code_size``
            numbers.
    """

    def __init__(self, config: AutoencoderSpace, outputs: int) -> None:
        super().__init__()
        sizes, reversed_sizes = config.hidden_sizes, config.hidden_sizes[::-1]
        self.encoder = nn.Sequential(
            nn.Flatten(),
            *hidden_layers(PIXELS, sizes, config.activation, batch_norm=False, dropout=0.0),
            nn.Linear(sizes[-1], outputs),
        )
        self.decoder = nn.Sequential(
            *hidden_layers(
                config.code_size, reversed_sizes, config.activation, batch_norm=False, dropout=0.0
            ),
            nn.Linear(reversed_sizes[-1], PIXELS),
            nn.Unflatten(1, (1, SIZE, SIZE)),
        )

    def forward(self, pixels: Tensor) -> Tensor:
        """Maps pixels (B, 1, 28, 28) in [0, 1] to the logits of their reconstructions."""
        logits: Tensor = self.decoder(self.encoder(pixels))
        return logits


class LogitsToGreyLevels(nn.Module):
    """Maps logits of pixels (B, 1, 28, 28) to grey levels in [0, 255], (B, 28, 28)."""

    def forward(self, logits: Tensor) -> Tensor:
        """The grey levels, not rounded."""
        return logits[:, 0].sigmoid() * BRIGHTEST
