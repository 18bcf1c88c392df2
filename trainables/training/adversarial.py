"""GANs: `AdversarialProblem`, two networks with two losses, and `AdversarialLoop`, their game."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import relu, softplus

from tuneyard.spaces.fields.gan import AdversarialSpace
from tuneyard.spaces.fields.training import TrainingSpace
from tuneyard.spaces.objective import Objective
from tuneyard.trainables.problem import Batch, Problem
from tuneyard.trainables.training.loop import EpochLoop
from tuneyard.trainables.training.optimization import Optimization


class Adversaries(nn.Module):
    """The two networks.

    Args:
        generator: Latents (B, latent_size) to samples (B, ...).
        discriminator: Samples (B, ...) to scores (B,), high for real ones.
    """

    def __init__(self, generator: nn.Module, discriminator: nn.Module) -> None:
        super().__init__()
        self.generator = generator
        self.discriminator = discriminator


class AdversarialProblem(Problem):
    """A generator and a discriminator on a device, with the losses that a config names.

    Args:
        config: Loss, penalty and size of the latents.
        model: Both networks.
        device: Where they are.
        samples: How many samples are measured.

    Attributes:
        latents: The noise of the samples that are measured, (samples, latent_size): always the
            same, so that a metric changes with the generator alone.
    """

    model: Adversaries

    def __init__(
        self, config: AdversarialSpace, model: Adversaries, device: torch.device, samples: int
    ) -> None:
        self.device = device
        self.model = model.to(device)
        self._config = config
        fixed = torch.Generator().manual_seed(0)
        self.latents = torch.randn(samples, config.latent_size, generator=fixed).to(device)

    @abstractmethod
    def real(self, batch: Batch) -> Tensor:
        """What the discriminator is shown of a batch of real data, (B, ...)."""

    def trainable_parameters(self) -> Iterable[nn.Parameter]:
        """The generator's parameters: the discriminator has an optimizer of its own."""
        return self.model.generator.parameters()

    def fake(self, count: int) -> Tensor:
        """Fresh samples (count, ...), whose noise is from torch's global generator."""
        return self.generate(torch.randn(count, self._config.latent_size, device=self.device))

    def generate(self, latents: Tensor) -> Tensor:
        """The samples of some latents."""
        samples: Tensor = self.model.generator(latents)
        return samples

    def loss(self, batch: Batch) -> Tensor:
        """The generator's loss on as many samples as the batch has rows."""
        scores = self.model.discriminator(self.fake(len(next(iter(batch.values())))))
        return softplus(-scores).mean() if self._logits else -scores.mean()

    def discriminator_loss(self, batch: Batch) -> Tensor:
        """The discriminator's loss on a batch and as many samples, penalty included."""
        real = self.real(batch)
        with torch.no_grad():
            fake = self.fake(len(real))
        weight = self._config.gradient_penalty
        if weight is None:
            return self.discriminator_loss_without_penalty(real, fake)
        real = real.detach().requires_grad_()
        scores = self.model.discriminator(real)
        (slopes,) = torch.autograd.grad(scores.sum(), real, create_graph=True)
        penalty = slopes.flatten(1).square().sum(1).mean()
        return (
            self.discriminator_loss_from_scores(scores, self.model.discriminator(fake))
            + weight / 2 * penalty
        )

    def discriminator_loss_without_penalty(self, real: Tensor, fake: Tensor) -> Tensor:
        """The discriminator's loss without a penalty."""
        # one pass for both: small networks cost their calls
        scores = self.model.discriminator(torch.cat([real, fake]))
        return self.discriminator_loss_from_scores(scores[: len(real)], scores[len(real) :])

    def discriminator_loss_from_scores(self, real: Tensor, fake: Tensor) -> Tensor:
        """The loss of the scores of real data and samples."""
        if self._logits:
            return softplus(-real).mean() + softplus(fake).mean()
        return relu(1 - real).mean() + relu(1 + fake).mean()

    @property
    def _logits(self) -> bool:
        """Whether scores are logits; else they have a margin."""
        return self._config.loss == "non_saturating"


class AdversarialLoop(EpochLoop):
    """The game: every batch moves the discriminator, every so many the generator as well.

    `train_epoch` returns the discriminator's mean loss. Neither network's loss falls for long where
    the other one learns; what tells is the objective. Nothing is autocast: a gradient's gradient
    in half precision is noise.
    """

    problem: AdversarialProblem

    def __init__(
        self,
        problem: AdversarialProblem,
        config: AdversarialSpace,
        objective: Objective,
        seed: int,
    ) -> None:
        super().__init__(problem, config, objective, seed)
        self._discriminator_optimization = Optimization(
            problem.model.discriminator.parameters(),
            config.discriminator_optimizer,
            config,
            objective,
        )
        self._every = config.discriminator_steps
        self._batches = 0

    def _step(self, batch: Batch) -> Tensor:
        loss = self.problem.discriminator_loss(batch)
        self._discriminator_optimization.backward(loss, l1=None, clip_norm=None)
        self._discriminator_optimization.optimizer.step()
        self._batches += 1
        # counted on from epoch to epoch: a small training split has fewer batches than steps
        if self._batches % self._every == 0:
            self._optimization.backward(self.problem.loss(batch), l1=None, clip_norm=None)
            self._optimization.optimizer.step()
        return loss.detach()

    def end_epoch(self, metrics: dict[str, float]) -> None:
        """Moves both schedules on."""
        super().end_epoch(metrics)
        self._discriminator_optimization.end_epoch(metrics)

    def change(self, config: TrainingSpace) -> None:
        """Goes on with another config's fields of both optimizers, as PBT asks."""
        assert isinstance(config, AdversarialSpace)
        super().change(config)
        self._discriminator_optimization.change(config.discriminator_optimizer)

    def state_dict(self) -> dict[str, Any]:
        """See `EpochLoop.state_dict`."""
        return {
            **super().state_dict(),
            "discriminator": self._discriminator_optimization.state_dict(),
            "batches": self._batches,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """See `EpochLoop.load_state_dict`."""
        super().load_state_dict(state)
        self._discriminator_optimization.load_state_dict(state["discriminator"])
        self._batches = state["batches"]
