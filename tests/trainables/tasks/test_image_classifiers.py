"""Tests of the image classifiers: the networks of the courses, and the shapes of all others."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tuneyard.spaces import Space
from tuneyard.spaces.fields.augmentation import Augmentation
from tuneyard.spaces.registry import find_description
from tuneyard.spaces.tasks.mnist_cnn import MnistCnnSpace
from tuneyard.spaces.tasks.mnist_densenet import MnistDensenetSpace
from tuneyard.spaces.tasks.mnist_inception import MnistInceptionSpace
from tuneyard.spaces.tasks.mnist_mlp import MnistMlpSpace
from tuneyard.spaces.tasks.mnist_resnet import MnistResnetSpace
from tuneyard.trainables.tasks.mnist_cnn import ConvNet
from tuneyard.trainables.tasks.mnist_densenet import DenseNet
from tuneyard.trainables.tasks.mnist_inception import InceptionNet
from tuneyard.trainables.tasks.mnist_mlp import Perceptron
from tuneyard.trainables.tasks.mnist_resnet import ResNet

NETWORKS: dict[str, Any] = {
    "mnist-mlp": Perceptron,
    "mnist-cnn": ConvNet,
    "mnist-inception": InceptionNet,
    "mnist-resnet": ResNet,
    "mnist-densenet": DenseNet,
}


def images(count: int = 3) -> Tensor:
    torch.manual_seed(1)
    return torch.randn(count, 1, 28, 28)


def layers(model: nn.Module, kind: type[nn.Module]) -> list[Any]:
    """The layers of one kind, in the order of their creation."""
    return [layer for layer in model.modules() if isinstance(layer, kind)]


def test_the_mlp_equals_the_courses() -> None:
    model = Perceptron(MnistMlpSpace())
    first, second, third, fourth, last = layers(model, nn.Linear)
    assert [one.out_features for one in (first, second, third, fourth)] == [512, 256, 128, 64]
    x = images().view(-1, 784)
    expected = last(fourth(third(second(first(x).relu()).relu()).relu()).relu())
    torch.testing.assert_close(model(images()), expected)


def test_the_cnn_equals_the_courses() -> None:
    model = ConvNet(MnistCnnSpace())
    (conv1, conv2), (fc,) = layers(model, nn.Conv2d), layers(model, nn.Linear)
    assert (fc.in_features, fc.out_features) == (320, 10)
    x = F.relu(F.max_pool2d(F.conv2d(images(), conv1.weight, conv1.bias), 2))
    x = F.relu(F.max_pool2d(F.conv2d(x, conv2.weight, conv2.bias), 2))
    torch.testing.assert_close(model(images()), fc(x.view(3, -1)))
    assert sum(p.numel() for p in model.parameters()) == 260 + 5020 + 3210


def test_the_inception_net_equals_the_courses() -> None:
    model = InceptionNet(MnistInceptionSpace())
    convs, (fc,) = layers(model, nn.Conv2d), layers(model, nn.Linear)
    assert (len(convs), fc.in_features) == (16, 1408)

    def block(x: Tensor, start: int) -> Tensor:
        single, five_1, five_2, three_1, three_2, three_3, pooled = convs[start : start + 7]
        five = F.conv2d(five_1(x), five_2.weight, five_2.bias, padding=2)
        three = F.conv2d(three_1(x), three_2.weight, three_2.bias, padding=1)
        three = F.conv2d(three, three_3.weight, three_3.bias, padding=1)
        mean = F.avg_pool2d(x, kernel_size=3, stride=1, padding=1)
        return torch.cat([single(x), five, three, pooled(mean)], dim=1)

    x = block(F.relu(F.max_pool2d(convs[0](images()), 2)), 1)
    assert x.shape == (3, 88, 12, 12)
    x = block(F.relu(F.max_pool2d(convs[8](x), 2)), 9)
    torch.testing.assert_close(model(images()), fc(x.view(3, -1)))


def test_the_residual_network_equals_the_courses() -> None:
    model = ResNet(MnistResnetSpace())
    convs, (fc,) = layers(model, nn.Conv2d), layers(model, nn.Linear)
    assert (len(convs), fc.in_features) == (6, 512)

    def block(x: Tensor, start: int) -> Tensor:
        return F.relu(x + convs[start + 1](F.relu(convs[start](x))))

    x = block(F.max_pool2d(F.relu(convs[0](images())), 2), 1)
    x = block(F.max_pool2d(F.relu(convs[3](x)), 2), 4)
    torch.testing.assert_close(model(images()), fc(x.view(3, -1)))


def test_a_projection_replaces_the_identity() -> None:
    model = ResNet(MnistResnetSpace(skip="projection", batch_norm=True, blocks=2))
    convs = layers(model, nn.Conv2d)
    assert [conv.kernel_size[0] for conv in convs] == [5, 3, 3, 1, 3, 3, 1] * 2
    assert all(conv.bias is None for conv in convs)
    assert len(layers(model, nn.BatchNorm2d)) == len(convs)


def test_a_dense_layer_reads_all_layers_before_it() -> None:
    config = MnistDensenetSpace(first_channels=10, growth_rate=6, layers=3, compression=0.5)
    convs = layers(DenseNet(config), nn.Conv2d)
    assert [(conv.in_channels, conv.out_channels) for conv in convs] == [
        *[(1, 10), (10, 6), (16, 6), (22, 6)],
        *[(28, 14), (14, 6), (20, 6), (26, 6)],
    ]
    model = DenseNet(config).eval()
    first, pooling, layer = list(model)[:3]
    before = pooling(first(images()))
    after = layer(before)
    torch.testing.assert_close(after[:, :10], before)
    assert after.shape == (3, 16, 12, 12)


@pytest.mark.parametrize("pooling", ["max", "average"])
@pytest.mark.parametrize("padding", [False, True])
@pytest.mark.parametrize("kernel_size", [3, 5, 7])
@pytest.mark.parametrize("channels", [(8,), (8, 9), (8, 9, 10)])
def test_every_shape_of_the_cnn_fits(
    channels: tuple[int, ...], kernel_size: Any, padding: bool, pooling: Any
) -> None:
    config = MnistCnnSpace(
        channels=channels,
        kernel_size=kernel_size,
        padding=padding,
        pooling=pooling,
        head_sizes=(32, 40),
        batch_norm=True,
        dropout=0.2,
    )
    assert ConvNet(config)(images()).shape == (3, 10)


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("name", NETWORKS)
def test_random_networks_give_logits_and_gradients(
    name: str, seed: int, random_config: Any
) -> None:
    model = NETWORKS[name](random_config(name, seed))
    logits = model(images(4))
    assert logits.shape == (4, 10)
    logits.square().sum().backward()
    assert all(p.grad is not None for p in model.parameters())


@pytest.mark.parametrize("name", NETWORKS)
def test_an_image_does_not_change_anothers_logits(name: str) -> None:
    model = NETWORKS[name](find_description(name).space()).eval()
    together = model(images(3))
    torch.testing.assert_close(model(images(3)[1:2]), together[1:2])


@pytest.mark.parametrize("name", NETWORKS)
def test_augmentation_is_a_branch_that_is_off(name: str) -> None:
    space: Space[Any] = find_description(name).space.space()
    assert space.baseline().augmentation is None
    paths = {leaf.path for leaf in space.leaves}
    assert {f"augmentation.{field}" for field in ("on", *Augmentation.model_fields)} <= paths
