"""Which scheduler stops or changes trials, with its options: one file per kind, and its place here.

All times are epochs.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from tuneyard.search.spec.schedulers.asha import ASHA
from tuneyard.search.spec.schedulers.base import SchedulerOptions, SchedulerSetting
from tuneyard.search.spec.schedulers.hyperband import HyperBand
from tuneyard.search.spec.schedulers.median import Median
from tuneyard.search.spec.schedulers.none import NoScheduler
from tuneyard.search.spec.schedulers.pbt import PBT

Scheduler = Annotated[ASHA | HyperBand | Median | PBT | NoScheduler, Field(discriminator="kind")]

__all__ = [
    "ASHA",
    "PBT",
    "HyperBand",
    "Median",
    "NoScheduler",
    "Scheduler",
    "SchedulerOptions",
    "SchedulerSetting",
]
