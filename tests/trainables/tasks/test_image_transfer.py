"""Tests of image-transfer: trained and frozen stages, learning rates, and pretrained weights."""

import functools
import hashlib
import http.server
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
import torch
from torch import nn
from torchvision.models import ResNet18_Weights, get_model, get_model_weights, resnet18

from tuneyard.datasets import DataError
from tuneyard.spaces.tasks.image_transfer import STAGES, Backbone, ImageTransferSpace
from tuneyard.trainables.layers.backbones import (
    DEVIATION,
    MEAN,
    WEIGHTS,
    build_backbone,
    load_weights,
)
from tuneyard.trainables.tasks.image_transfer import TASK, ImageTransferProblem, TransferNetwork
from tuneyard.trainables.training.training import Training

CPU = torch.device("cpu")
each_backbone = pytest.mark.parametrize("name", get_args(Backbone))


def config(**fields: Any) -> ImageTransferSpace:
    return ImageTransferSpace(weights="none", **fields)


@each_backbone
def test_the_stages_are_the_network_without_its_classifier(name: Backbone) -> None:
    torch.manual_seed(0)
    stages, width = build_backbone(name, pretrained=False)
    torch.manual_seed(0)
    network = get_model(name, weights=None).eval()
    if hasattr(network, "fc"):
        network.fc = nn.Identity()
    else:
        network.classifier = nn.Identity()
    assert len(stages) == STAGES
    pictures = torch.rand(2, 3, 64, 64)
    with torch.no_grad():
        features = nn.Sequential(*stages).eval()(pictures).mean((2, 3))
        torch.testing.assert_close(features, network(pictures))
    assert features.shape == (2, width)


@each_backbone
def test_pictures_are_scaled_as_in_the_training_of_the_weights(name: Backbone) -> None:
    transform = get_model_weights(name)[WEIGHTS].transforms()
    assert tuple(transform.mean) == MEAN
    assert tuple(transform.std) == DEVIATION


@pytest.mark.parametrize("frozen", range(STAGES + 1))
def test_frozen_stages_never_change_including_batch_norms(frozen: int, datasets: Any) -> None:
    data = datasets("image-transfer")
    training = Training(TASK, config(frozen_stages=frozen), [data], seed=0)
    model = training.problems[0].model
    assert isinstance(model, TransferNetwork)
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    training.run_epoch()
    changed = {
        name.split(".")[0]
        for name, tensor in model.state_dict().items()
        if not torch.equal(tensor, before[name])
    }
    assert changed == {"head"} | ({"tuned"} if frozen < STAGES else set())
    model.train()
    assert not any(part.training for part in model.frozen.modules())
    assert model.tuned.training


def test_precomputed_features_equal_those_of_the_whole_network(datasets: Any) -> None:
    """The results are the same as those of running the network in each epoch."""
    data = datasets("image-transfer")
    torch.manual_seed(0)
    problem = ImageTransferProblem(config(), data, CPU)
    batch = problem.tensors("val")
    assert set(batch) == {"features", "label"}
    assert batch["features"].shape == (10, 512)
    image = torch.tensor(data.arrays["image"][data.splits["val"]])
    scaled = (image / 255 - torch.tensor(MEAN)[:, None, None]) / torch.tensor(DEVIATION)[
        :, None, None
    ]
    problem.model.eval()
    with torch.no_grad():
        expected = problem.model(scaled)
        torch.testing.assert_close(problem.model.head(batch["features"]), expected)
        module, example = problem.export()
        torch.testing.assert_close(module(image), expected.softmax(1))
    assert example.shape == (2, 3, 32, 32)


def test_the_backbone_has_a_learning_rate_multiplier(datasets: Any) -> None:
    data = datasets("image-transfer")
    chosen = config(frozen_stages=3, backbone_rate=0.01)
    problem = ImageTransferProblem(chosen, data, CPU)
    rates = problem.learning_rate_multipliers()
    trained = list(problem.trainable_parameters())
    tuned, head = list(problem.model.tuned.parameters()), list(problem.model.head.parameters())
    assert [rates.get(p, 1.0) for p in tuned] == [0.01] * len(tuned)
    assert [rates.get(p, 1.0) for p in head] == [1.0] * len(head)
    assert {id(p) for p in trained} == {id(p) for p in (*tuned, *head)}
    (loop,) = Training(TASK, chosen, [data], seed=0)._loops
    groups = loop.state_dict()["optimizer"]["param_groups"]
    assert sorted(group["lr"] for group in groups) == pytest.approx([1e-5, 1e-3])


@pytest.mark.parametrize(("hidden", "linear"), [(None, 1), (64, 2)])
def test_the_head_has_one_or_two_linear_layers(hidden: int | None, linear: int) -> None:
    head = TransferNetwork(config(hidden_size=hidden), 7).head
    layers = [layer for layer in head if isinstance(layer, nn.Linear)]
    assert len(layers) == linear
    assert (layers[0].in_features, layers[-1].out_features) == (512, 7)


def test_a_hidden_layer_and_augmentation_learn_the_colours(datasets: Any) -> None:
    chosen = config(
        frozen_stages=3, hidden_size=64, backbone_rate=1.0, augmentation={"rotation": 10.0}
    )
    training = Training(TASK, chosen, [datasets("image-transfer")], seed=0)
    first = training.run_epoch()
    for _ in range(3):
        last = training.run_epoch()
    assert last["train_loss"] < first["train_loss"] / 2


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache folder of torch."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setattr(torch.hub, "_hub_dir", None)
    return tmp_path / "torch" / "hub" / "checkpoints"


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    """A file of weights as torchvision publishes them, with its hash in its name."""
    torch.manual_seed(11)
    path = tmp_path / "weights.pth"
    torch.save(resnet18().state_dict(), path)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return path.rename(tmp_path / f"resnet18-{digest[:8]}.pth")


@pytest.fixture
def server(weights: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A server with the file, which torchvision is configured to use."""
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(weights.parent))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as httpd:
        thread = threading.Thread(target=httpd.serve_forever)
        thread.start()
        point_to(f"http://127.0.0.1:{httpd.server_port}/{weights.name}", monkeypatch)
        yield ResNet18_Weights.IMAGENET1K_V1.url
        httpd.shutdown()
        thread.join()


def point_to(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Changes the address of resnet18's weights."""
    value = ResNet18_Weights.IMAGENET1K_V1.value
    changed = type(value)(url=url, transforms=value.transforms, meta=value.meta)
    monkeypatch.setattr(ResNet18_Weights.IMAGENET1K_V1, "_value_", changed)


def test_weights_are_downloaded_once(
    server: str, hub: Path, weights: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    TASK.prepare(ImageTransferSpace.space().narrow({"backbone": "resnet18"}))
    assert [path.name for path in hub.iterdir()] == [weights.name]
    # stdout has a single object
    assert capsys.readouterr().out == ""
    weights.unlink()
    expected = torch.load(hub / weights.name, weights_only=True)
    model = TransferNetwork(ImageTransferSpace(), 3)
    torch.testing.assert_close(model.frozen[0][0].weight, expected["conv1.weight"])
    assert not model.frozen[0][0].weight.requires_grad


@pytest.mark.parametrize("content", [None, b"no weights"])
def test_unavailable_weights_give_one_line(
    content: bytes | None, hub: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = "http://127.0.0.1:9/resnet18-00000000.pth"  # no server listens there
    point_to(url, monkeypatch)
    if content is not None:
        hub.mkdir(parents=True)
        (hub / "resnet18-00000000.pth").write_bytes(content)
    with pytest.raises(DataError) as error:
        load_weights("resnet18")
    message = str(error.value)
    assert message.startswith(f"the ImageNet weights of resnet18 are not available from {url}: ")
    assert message.endswith(
        f"search with --set weights=none, or put the file at {hub / 'resnet18-00000000.pth'}"
    )
    assert "\n" not in message


def test_a_download_with_another_hash_is_refused(server: str, hub: Path, weights: Path) -> None:
    weights.write_bytes(weights.read_bytes() + b"x")
    with pytest.raises(DataError, match="invalid hash value"):
        load_weights("resnet18")
    assert not list(hub.glob("*.pth"))


def test_without_weights_nothing_is_downloaded(monkeypatch: pytest.MonkeyPatch) -> None:
    point_to("http://127.0.0.1:9/resnet18-00000000.pth", monkeypatch)
    TASK.prepare(ImageTransferSpace.space().narrow({"weights": "none"}))
