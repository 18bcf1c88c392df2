"""`Frozen`: what all models of a search, a request or an answer are."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Frozen(BaseModel):
    """A model that does not change, and that refuses a key which it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid")
