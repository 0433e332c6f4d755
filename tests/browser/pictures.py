"""Pictures of the console for the documentation: ``python -m tests.browser.pictures``."""

from io import BytesIO
from pathlib import Path
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


def take_pictures(browser: Browser, folder: Path) -> list[Path]:
    """Take each in the scheme that its name says, of a stack that is always the same."""
    stack = lively_stack()
    (down,) = [one.id for one in stack.subscriptions.known.values() if one.name == "ci-status"]
    delivery = "/deliveries/" + quote(f"{down}#40#2", safe="")
    with served(stack.service, port=0, options=ConsoleOptions()) as running:
        return [
            _save(_take(browser, running, path, scheme), folder / name)
            for name, path, scheme in (
                ("console-now-light.png", "/", "light"),
                ("console-now-dark.png", "/", "dark"),
                ("console-pipeline-light.png", "/pipelines/41", "light"),
                ("console-delivery-light.png", delivery, "light"),
            )
        ]


def _take(browser: Browser, running: Served, path: str, scheme: str) -> Image.Image:
    """A picture in few colours, so that it is small. Not each machine has a Chinese font."""
    with browser.new_context(
        viewport=WINDOW, color_scheme=scheme, reduced_motion="reduce", bypass_csp=True
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
