"""Pictures of the console for the documentation: ``python -m tests.browser.pictures``."""

from collections.abc import Iterable
from io import BytesIO
from pathlib import Path
from typing import Literal
from urllib.parse import quote

from PIL import Image
from playwright.sync_api import Browser, sync_playwright

from lakehook.console.context import ConsoleOptions
from lakehook.console.server import Served, served
from tests.browser.chromium import ARGUMENTS, chromium
from tests.console_scenes import lively_stack

IMAGES = Path(__file__).parents[2] / "docs" / "img"
WINDOW = {"width": 1200, "height": 760}
COLOURS = 128


NOW, PIPELINE, DELIVERY = "/", "/pipelines/41", "/deliveries/"
PICTURES = {
    "console-now-light.png": NOW,
    "console-now-dark.png": NOW,
    "console-pipeline-light.png": PIPELINE,
    "console-delivery-light.png": DELIVERY,
}
"""Page by name of the picture, in the colours that the name ends with."""


def take_pictures(browser: Browser, folder: Path, names: Iterable[str] = PICTURES) -> list[Path]:
    """Take each of a stack that is always the same."""
    stack = lively_stack()
    (down,) = [
        subscription.id
        for subscription in stack.subscriptions.by_id.values()
        if subscription.name == "ci-status"
    ]
    delivery = DELIVERY + quote(f"{down}#40#2", safe="")
    with served(stack.service, port=0, options=ConsoleOptions()) as running:
        pictures = []
        for name in names:
            path = delivery if PICTURES[name] == DELIVERY else PICTURES[name]
            colours = "dark" if "-dark." in name else "light"
            pictures.append(_save(_take(browser, running, path, colours), folder / name))
        return pictures


def _take(
    browser: Browser, running: Served, path: str, colours: Literal["light", "dark"]
) -> Image.Image:
    """A picture in few colours, so that it is small. Not each machine has a Chinese font."""
    with browser.new_context(
        viewport=WINDOW, color_scheme=colours, reduced_motion="reduce", bypass_csp=True
    ) as context:
        page = context.new_page()
        page.goto(running.access.url)
        page.wait_for_url(running.access.origin + "/")
        page.goto(running.access.origin + path)
        page.add_style_tag(content=".tools [lang] { visibility: hidden }")
        picture = Image.open(BytesIO(page.screenshot(full_page=True))).convert("RGB")
        return picture.quantize(COLOURS, method=Image.Quantize.MAXCOVERAGE)


def _save(picture: Image.Image, to: Path) -> Path:
    picture.save(to, optimize=True)
    return to


def main() -> None:
    path, environment = chromium()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=path, args=list(ARGUMENTS), env=dict(environment)
        )
        take_pictures(browser, IMAGES)
        browser.close()


if __name__ == "__main__":
    main()
