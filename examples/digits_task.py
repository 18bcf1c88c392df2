"""Handwritten digits, in the shape of PyTorch's MNIST example."""

from typing import Annotated, Literal

import torch
from sklearn.datasets import load_digits
from torch import Tensor, nn, optim
from torch.nn import functional as F
from torch.utils.data import DataLoader, Subset, TensorDataset, random_split

from tuneyard import spaces, trainables

objective = "max accuracy"


class Space(spaces.SearchSpace):
    """What is searched: a field's default is the baseline."""

    lr: Annotated[float, spaces.Float(1e-4, 1e-1, log=True)] = 1e-3
    batch_size: Literal[16, 32, 64, 128] = 64


class Net(nn.Module):
    """Two convolutions and two linear layers."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 8, 3)
        self.conv2 = nn.Conv2d(8, 16, 3)
        self.dropout = nn.Dropout(0.25)
        self.fc1 = nn.Linear(64, 32)
        self.fc2 = nn.Linear(32, 10)

    def forward(self, x: Tensor) -> Tensor:
        """Logarithms of probabilities (B, 10), for images (B, 1, 8, 8)."""
        x = F.relu(self.conv1(x))
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        x = self.dropout(torch.flatten(x, 1))
        return F.log_softmax(self.fc2(F.relu(self.fc1(x))), dim=1)


def split() -> list[Subset[tuple[Tensor, ...]]]:
    """Images (N, 1, 8, 8) and digits (N,) to train on, to validate with, and to test with."""
    images, digits = load_digits(return_X_y=True)
    scaled = torch.tensor(images / 16).float().reshape(-1, 1, 8, 8)
    data = TensorDataset(scaled, torch.tensor(digits))
    return random_split(data, (0.6, 0.2, 0.2), torch.Generator().manual_seed(0))


def accuracy(model: nn.Module, loader: DataLoader[tuple[Tensor, ...]]) -> float:
    """The share of images whose digit the model gets right, in [0, 1]."""
    model.eval()
    with torch.no_grad():
        right = [model(images).argmax(1) == digits for images, digits in loader]
    return torch.cat(right).float().mean().item()


def train(args: Space, trial: trainables.Trial) -> nn.Module:
    """Trains a network, and measures it after each epoch."""
    train_data, val_data, _ = split()
    loader = DataLoader(train_data, args.batch_size, shuffle=True)
    model = Net()
    optimizer = optim.Adam(model.parameters(), lr=args.lr)
    trial.keep(model=model, optimizer=optimizer)
    for _ in trial.epochs(10):
        model.train()
        for images, digits in loader:
            optimizer.zero_grad()
            F.nll_loss(model(images), digits).backward()
            optimizer.step()
        trial.report(accuracy=accuracy(model, DataLoader(val_data, args.batch_size)))
    return model


def test(args: Space, model: nn.Module) -> dict[str, float]:
    """Measures a trained network with images that it was not chosen by."""
    return {"accuracy": accuracy(model, DataLoader(split()[2], args.batch_size))}
