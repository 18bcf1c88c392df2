"""Torchvision's networks without their classifiers, in five stages, with their weights."""

from __future__ import annotations

import io
import socket
from contextlib import redirect_stdout
from pathlib import Path

import torch
from torch import Tensor, nn

from tuneyard.datasets import DataError
from tuneyard.datasets.source import TIMEOUT
from tuneyard.spaces.tasks.image_transfer import STAGES, Backbone

WEIGHTS = "IMAGENET1K_V1"

MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Mean and deviation of ImageNet's red, green and blue channels, scaled to [0, 1].

The weights were trained on images standardized with these values.
"""


def build_backbone(name: Backbone, *, pretrained: bool) -> tuple[list[nn.Module], int]:
    """Builds the stages of a network, from pictures (B, 3, H, W) to features (B, width, h, w).

    Args:
        name: The name of a network of torchvision.
        pretrained: Whether to load the weights trained on ImageNet.

    Returns:
        The five stages and the width, i.e. the number of features.

    Raises:
        DataError: The weights are not available.
    """
    from torchvision.models import get_model

    network = get_model(name, weights=None)
    if pretrained:
        network.load_state_dict(load_weights(name))
    if name in ("resnet18", "resnet34"):
        stem = nn.Sequential(network.conv1, network.bn1, network.relu, network.maxpool)
        stages = [stem, network.layer1, network.layer2, network.layer3, network.layer4]
        return stages, network.fc.in_features
    blocks = network.features
    # consecutive blocks, about as many in each stage
    cuts = [len(blocks) * stage // STAGES for stage in range(STAGES + 1)]
    stages = [blocks[cuts[stage] : cuts[stage + 1]] for stage in range(STAGES)]
    linear = next(layer for layer in network.classifier if isinstance(layer, nn.Linear))
    return stages, linear.in_features


def load_weights(name: Backbone) -> dict[str, Tensor]:
    """Loads the ImageNet weights with torchvision's API, from torch's cache or by a download.

    Raises:
        DataError: The weights are not available.
    """
    from torchvision.models import get_model_weights

    weights = get_model_weights(name)[WEIGHTS]
    timeout = socket.getdefaulttimeout()
    socket.setdefaulttimeout(TIMEOUT)  # torch sets no timeout
    try:
        with redirect_stdout(io.StringIO()):
            state: dict[str, Tensor] = weights.get_state_dict(
                progress=False, check_hash=True, weights_only=True, map_location="cpu"
            )
        return state
    except Exception as error:  # torch raises many kinds for a corrupt file
        place = Path(torch.hub.get_dir()) / "checkpoints" / Path(weights.url).name
        reason = " ".join(str(getattr(error, "reason", error)).split()).rstrip(".")
        raise DataError(
            f"the ImageNet weights of {name} are not available from {weights.url}: {reason}; "
            f"search with --set weights=none, or put the file at {place}"
        ) from error
    finally:
        socket.setdefaulttimeout(timeout)
