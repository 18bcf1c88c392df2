"""GANs: `AdversarialProblem`, two networks and losses, and `AdversarialLoop`, their training."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable
from typing import Any  # Any: a `state_dict` holds anything

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
    """The two networks of a GAN.

    Args:
        generator: Maps latents (B, latent_size) to samples (B, ...).
        discriminator: Maps samples (B, ...) to scores (B,), high for real ones.
    """

    def __init__(self, generator: nn.Module, discriminator: nn.Module) -> None:
        super().__init__()
        self.generator = generator
        self.discriminator = discriminator


class AdversarialProblem(Problem):
    """A generator and a discriminator on a device, with the losses that the config selects.

    Args:
        config: The config, with the loss, the gradient penalty and the size of the latents.
        model: Both networks.
        device: The device of the networks and the tensors.
        samples: How many samples are generated for an evaluation.

    Attributes:
        latents: The noise that the evaluated samples are generated from, (samples, latent_size). It
            is always the same, so a metric changes only with the generator.
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
        """The real samples of a batch as the discriminator reads them, (B, ...)."""

    def trainable_parameters(self) -> Iterable[nn.Parameter]:
        """The generator's parameters; the discriminator has its own optimizer."""
        return self.model.generator.parameters()

    def fake(self, count: int) -> Tensor:
        """New samples (count, ...) from noise drawn by torch's global random generator."""
        return self.generate(torch.randn(count, self._config.latent_size, device=self.device))

    def generate(self, latents: Tensor) -> Tensor:
        """The generator's samples (B, ...) for latents (B, latent_size)."""
        samples: Tensor = self.model.generator(latents)
        return samples

    def loss(self, batch: Batch) -> Tensor:
        """The generator's loss on as many samples as the batch has rows."""
        scores = self.model.discriminator(self.fake(len(next(iter(batch.values())))))
        return softplus(-scores).mean() if self._logits else -scores.mean()

    def discriminator_loss(self, batch: Batch) -> Tensor:
        """The discriminator's loss on a batch and as many samples, with the gradient penalty."""
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
        """The discriminator's loss on real and generated samples, (B, ...) each."""
        # one forward pass for both, since the time of small networks is mostly call overhead
        scores = self.model.discriminator(torch.cat([real, fake]))
        return self.discriminator_loss_from_scores(scores[: len(real)], scores[len(real) :])

    def discriminator_loss_from_scores(self, real: Tensor, fake: Tensor) -> Tensor:
        """The discriminator's loss, given its scores of real and generated samples, (B,) each."""
        if self._logits:
            return softplus(-real).mean() + softplus(fake).mean()
        return relu(1 - real).mean() + relu(1 + fake).mean()

    @property
    def _logits(self) -> bool:
        """Whether scores are logits; otherwise they are compared with the hinge's margin."""
        return self._config.loss == "non_saturating"


class AdversarialLoop(EpochLoop):
    """Alternating training: each batch updates the discriminator, some also the generator.

    `train_epoch` returns the discriminator's mean loss. Since the two networks work against each
    other, neither loss measures progress; the objective does. There is no autocast, because second
    derivatives in half precision are too inaccurate.
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
        # counted across epochs, since a small training split may have fewer batches than steps
        if self._batches % self._every == 0:
            self._optimization.backward(self.problem.loss(batch), l1=None, clip_norm=None)
            self._optimization.optimizer.step()
        return loss.detach()

    def end_epoch(self, metrics: dict[str, float]) -> None:
        """Advances the schedules of both networks."""
        super().end_epoch(metrics)
        self._discriminator_optimization.end_epoch(metrics)

    def change(self, config: TrainingSpace) -> None:
        """Continues with another config's hyperparameters of both optimizers, for PBT."""
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
