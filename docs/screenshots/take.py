"""Take the screenshots of the documentation from a report.

``python docs/screenshots/take.py [REPORT]``; the default is the demo's report. Needs Chromium.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

FOLDER = Path(__file__).parent
DEMO = FOLDER.parents[1] / "results" / "GSE52778" / "report.html"


def at(page: Page, ident: str) -> None:
    """Bring a part of the page to the top of the window."""
    for _ in range(3):  # parts off screen get their true height when they come near
        page.evaluate("i => document.getElementById(i).scrollIntoView()", ident)
        page.wait_for_timeout(300)


def main(report: Path) -> None:
    """Write every screenshot of `report`."""
    path = os.environ.get("CHROMIUM") or shutil.which("chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=path, args=["--no-sandbox", "--disable-gpu"]
        )

        def opened(width: int, height: int, scheme: str) -> Page:
            context = browser.new_context(
                viewport={"width": width, "height": height}, color_scheme=scheme, offline=True
            )
            page = context.new_page()
            page.goto(report.resolve().as_uri())
            return page

        page = opened(1280, 860, "light")
        page.screenshot(path=FOLDER / "answer.png")
        at(page, "why-NFKB_CANONICAL")
        page.screenshot(path=FOLDER / "why.png")
        page.fill("#gene-input", "TSC22D3")
        page.press("#gene-input", "Enter")
        page.wait_for_selector("#gene-lines")
        at(page, "contrasts")
        page.screenshot(path=FOLDER / "contrast.png")
        page = opened(1280, 860, "dark")
        at(page, "quality")
        page.screenshot(path=FOLDER / "quality-dark.png")
        page = opened(390, 780, "light")
        page.screenshot(path=FOLDER / "phone.png")
        browser.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else DEMO)
