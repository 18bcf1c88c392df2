"""Eight modes on a ring, learned by two networks with an optimizer each."""

import math
from typing import Annotated

import torch
from torch import Tensor, nn

from tuneyard.spaces import Float, Int, SearchSpace
from tuneyard.trainables import Trial

NOISE = 8  # numbers that the generator makes a point of
objective = "min distance"


class Space(SearchSpace):
    """Each network has its own learning rate."""

    generator_lr: Annotated[float, Float(1e-4, 1e-1, log=True)] = 1e-3
    discriminator_lr: Annotated[float, Float(1e-4, 1e-1, log=True)] = 1e-3
    beta1: Annotated[float, Float(0.0, 0.9)] = 0.5
    width: Annotated[int, Int(16, 128, log=True)] = 32
    epochs: int = 20


def ring(count: int) -> Tensor:
    """Points (count, 2) near eight places on a circle of radius 1."""
    angles = torch.randint(8, (count,)) * (math.pi / 4)
    return torch.stack([angles.cos(), angles.sin()], 1) + 0.05 * torch.randn(count, 2)


def network(inputs: int, width: int, outputs: int) -> nn.Sequential:
    """Three linear layers."""
    hidden = nn.Sequential(nn.Linear(width, width), nn.LeakyReLU(0.2), nn.Linear(width, outputs))
    return nn.Sequential(nn.Linear(inputs, width), nn.LeakyReLU(0.2), *hidden)


def energy_distance(one: Tensor, other: Tensor) -> float:
    """How far two sets of points (N, 2) are from one distribution; 0 if they are the same."""
    across, within = torch.cdist(one, other), torch.cdist(one, one) + torch.cdist(other, other)
    return (2 * across.mean() - within.mean()).item()


def train(config: Space, trial: Trial) -> None:
    """Trains both networks in turns."""
    generator = network(NOISE, config.width, 2)
    discriminator = network(2, config.width, 1)
    betas = (config.beta1, 0.999)
    makes = torch.optim.Adam(generator.parameters(), config.generator_lr, betas)
    judges = torch.optim.Adam(discriminator.parameters(), config.discriminator_lr, betas)
    # the one that is called model is registered; all four go on after an interruption
    trial.keep(model=generator, discriminator=discriminator, makes=makes, judges=judges)
    loss = nn.BCEWithLogitsLoss()
    real, fake = torch.ones(128, 1), torch.zeros(128, 1)
    for _ in trial.epochs(config.epochs):
        for _ in range(20):
            points, made = ring(128), generator(torch.randn(128, NOISE))
            judges.zero_grad()
            judged = loss(discriminator(points), real) + loss(discriminator(made.detach()), fake)
            judged.backward()
            judges.step()
            makes.zero_grad()
            loss(discriminator(made), real).backward()
            makes.step()
        with torch.no_grad():
            made = generator(torch.randn(512, NOISE))
        trial.report(distance=energy_distance(made, ring(512)), judged=judged)


def test(config: Space, model: nn.Module) -> dict[str, float]:
    """Called once, with the best trial's generator as of its best epoch."""
    del config
    return {"distance": energy_distance(model(torch.randn(512, NOISE)), ring(512))}
