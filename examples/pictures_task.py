"""A folder of pictures, one subfolder a class, for several networks of torchvision.

tuneyard search examples/pictures_task.py --data-dir FOLDER
"""

from pathlib import Path
from typing import Annotated, Literal

import torch
from sklearn.model_selection import train_test_split
from torch import Tensor, nn
from torchvision.datasets import ImageFolder
from torchvision.models import get_model
from torchvision.transforms import v2

from tuneyard.spaces import Float, SearchSpace
from tuneyard.trainables import Trial

Data = dict[str, tuple[Tensor, Tensor]]  # by split: images (N, 3, 64, 64) in uint8, classes (N,)
objective = "max accuracy"


class Space(SearchSpace):
    """Which network is searched, too; none is pretrained."""

    network: Literal["shufflenet_v2_x0_5", "mobilenet_v3_small", "resnet18"] = "shufflenet_v2_x0_5"
    lr: Annotated[float, Float(1e-4, 1e-1, log=True)] = 1e-3
    flip: bool = False
    batch_size: int = 16
    epochs: int = 10


def load_data(data_dir: Path | None) -> Data:
    """Reads all pictures, 64 pixels a side; the trials share them."""
    if data_dir is None:
        raise ValueError("name the folder of pictures with --data-dir")
    square = v2.Compose([v2.PILToTensor(), v2.Resize(64), v2.CenterCrop(64)])
    images, labels = zip(*ImageFolder(data_dir, square), strict=True)
    X, y = torch.stack(images), torch.tensor(labels)
    rows, test = train_test_split(range(len(y)), test_size=0.2, random_state=0, stratify=y)
    train, val = train_test_split(rows, test_size=0.25, random_state=0, stratify=y[rows])
    return {
        name: (X[part], y[part])
        for name, part in zip(("train", "val", "test"), (train, val, test), strict=True)
    }


def train(config: Space, trial: Trial, data: Data) -> None:
    """Trains one config."""
    X, y = (part.to(trial.device) for part in data["train"])
    classes = int(y.max()) + 1
    model = nn.Sequential(Scale(), get_model(config.network, weights=None, num_classes=classes))
    model.to(trial.device)
    optimizer = torch.optim.AdamW(model.parameters(), lr=config.lr)
    trial.keep(model=model, optimizer=optimizer)
    for _ in trial.epochs(config.epochs):
        model.train()
        # parts of about one size: a batch of one picture has no deviation to normalize by
        for rows in torch.randperm(len(y)).chunk(max(1, len(y) // config.batch_size)):
            images = (
                v2.functional.horizontal_flip(X[rows])
                if config.flip and torch.rand(()) < 0.5
                else X[rows]
            )
            loss = nn.functional.cross_entropy(model(images), y[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        trial.report(accuracy=accuracy(model, *data["val"], trial.device), loss=loss)


def test(config: Space, model: nn.Module, data: Data) -> dict[str, float]:
    """Called once, with the best trial's model as of its best epoch."""
    del config
    return {"accuracy": accuracy(model, *data["test"], next(model.parameters()).device)}


class Scale(nn.Module):
    """From bytes to numbers around 0, so that the registered model takes pictures as they are."""

    def forward(self, images: Tensor) -> Tensor:
        """Images (B, 3, H, W) in [-1, 1], from [0, 255]."""
        return images.float() / 127.5 - 1


def accuracy(model: nn.Module, images: Tensor, classes: Tensor, device: torch.device) -> float:
    """The share of pictures whose class the model gets right, in [0, 1]."""
    model.eval()
    with torch.no_grad():
        right = [
            model(batch.to(device)).argmax(1).cpu() == truth
            for batch, truth in zip(images.split(64), classes.split(64), strict=True)
        ]
    return torch.cat(right).float().mean().item()
