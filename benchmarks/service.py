"""How long the HTTP service takes to answer many who follow one search.

    TUNEYARD_CLUSTER=http://127.0.0.1:8080 TUNEYARD_TOKEN=... python benchmarks/service.py

Submits a search of the airplane LSTM and, while it runs, lets clients ask for its status, each once
a second, spread over that second as clients that know nothing of each other are. With `--at-once`
they all ask in the same instant.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import time

import httpx
import numpy as np

SEARCH = {
    "task": "airplane-lstm",
    "trials": 1000,
    "folds": 1,
    "scheduler": "none",
    "space": {"epochs": 2000, "cell": "lstm", "num_layers": 1, "hidden_size": 8},
}
START_SECONDS = 120
PAUSE_SECONDS = 1.0


async def poll(client: httpx.AsyncClient, path: str, wait: float, until: float) -> list[float]:
    """Asks again and again after a first wait; the seconds that each answer took."""
    await asyncio.sleep(wait)
    took = []
    while (started := time.monotonic()) < until:
        answer = await client.get(path)
        took.append(time.monotonic() - started)
        answer.raise_for_status()
        await asyncio.sleep(max(0.0, PAUSE_SECONDS - took[-1]))
    return took


async def measure(client: httpx.AsyncClient, path: str, waits: list[float], seconds: float) -> None:
    """Prints the percentiles of what all clients saw, of which each has its first wait."""
    until = time.monotonic() + seconds
    polls = (poll(client, path, wait, until) for wait in waits)
    took = np.concatenate([np.array(one) for one in await asyncio.gather(*polls)]) * 1000
    median, high, highest = np.percentile(took, [50, 95, 99])
    print(
        f"{len(waits)} clients, each once a second: {len(took) / seconds:.0f} requests/s, "
        f"median {median:.0f} ms, p95 {high:.0f} ms, p99 {highest:.0f} ms"
    )


async def run(waits: list[float], seconds: float) -> None:
    """Submits a search, polls it, and stops it."""
    async with httpx.AsyncClient(
        base_url=os.environ["TUNEYARD_CLUSTER"],
        headers={"Authorization": f"Bearer {os.environ.get('TUNEYARD_TOKEN', '')}"},
        limits=httpx.Limits(max_connections=len(waits)),
        timeout=60,
        trust_env=False,
    ) as client:
        answer = await client.post("/searches", json=SEARCH)
        answer.raise_for_status()
        path = f"/searches/{answer.json()['search']}"
        try:
            until = time.monotonic() + START_SECONDS
            while (await client.get(path)).json()["trials"]["total"] == 0:
                assert time.monotonic() < until, "the search did not start"
                await asyncio.sleep(1)
            await measure(client, path, waits, seconds)
        finally:
            await client.post(f"{path}/stop")


def main() -> None:
    """Reads the options."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clients", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--at-once", action="store_true", help="all in the same instant")
    options = parser.parse_args()
    dice = random.Random(0)
    spread = 0.0 if options.at_once else PAUSE_SECONDS
    waits = [dice.uniform(0.0, spread) for _ in range(options.clients)]
    asyncio.run(run(waits, options.seconds))


if __name__ == "__main__":
    main()
