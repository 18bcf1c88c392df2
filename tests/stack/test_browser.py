"""The MLflow UI as a user sees it: a search found, its trials opened, three of them compared."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect, sync_playwright

pytestmark = pytest.mark.stack

PICTURE = Path(__file__).resolve().parents[2] / "build" / "mlflow-compare.png"
"""The README's picture is this one."""


@pytest.fixture
def page() -> Iterator[Page]:
    chromium = shutil.which("chromium")
    assert chromium, "no chromium: `make stack-test` installs it"
    quiet = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=quiet)
        opened = browser.new_page(viewport={"width": 1500, "height": 950})
        # a machine that does other work draws slowly
        opened.set_default_timeout(60_000)
        yield opened
        browser.close()


def test_three_trials_are_compared(stack: Any, finished: tuple[str, str], page: Page) -> None:
    search, _ = finished
    experiment = stack.status(search).mlflow.experiment_id
    page.goto(f"{stack.url('MLFLOW')}/#/experiments/{experiment}/runs")

    page.get_by_placeholder(re.compile("metrics.rmse")).fill(f'tags.`tuneyard.search` = "{search}"')
    page.keyboard.press("Enter")
    parent = page.get_by_role("row").filter(has=page.get_by_role("link", name=search, exact=True))
    expect(parent).to_have_count(1, timeout=60_000)
    assistant = page.get_by_role("button", name="Close", exact=True)
    if assistant.count():
        assistant.first.click()

    trials = page.get_by_role("row").filter(has_text=re.compile(rf"{search}-\d{{5}}"))
    if trials.count() == 0:
        parent.get_by_role("button").first.click()
    expect(trials.first).to_be_visible(timeout=60_000)
    for number in range(3):
        name = re.compile("toggle row selection")
        trials.nth(number).get_by_role("checkbox", name=name).check()
    page.get_by_role("button", name="Compare").click()

    expect(page.get_by_role("heading", name="Comparing 3 Runs")).to_be_visible(timeout=60_000)
    expect(page.get_by_text(re.compile(rf"^{search}-\d{{5}}$"))).to_have_count(3, timeout=60_000)
    # the plot is drawn after the table
    expect(page.locator(".main-svg").first).to_be_visible(timeout=60_000)
    PICTURE.parent.mkdir(exist_ok=True)
    page.screenshot(path=PICTURE)
    assert PICTURE.stat().st_size > 20_000
