"""Makes docs/pictures/explain-*.png, what the step-through page looks like: `python -m parity.explain_pictures`.

It needs Chromium, or another browser of its family. The page is that of `circles`, at the first step of its ReLU model.
"""

import html
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image

PICTURES = Path(__file__).parents[1] / "docs" / "pictures"
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome", "microsoft-edge")
STEP, EVENT = 101, 10  # a ReLU hands its gradient on: some neurons are dead
VIEWS = {"explain-circles": (1440, 900, "light"), "explain-circles-dark": (1440, 900, "dark"),
         "explain-circles-phone": (400, 860, "dark")}


def take(browser: str, page: Path, picture: Path, width: int, height: int, scheme: str) -> None:
    """A screenshot. A window cannot be as narrow as a phone, so the page is in a frame, and that is cut out."""
    text = html.escape(page.read_text().replace("location.hash.slice(1)", str(EVENT)))
    frame = page.with_name("frame.html")
    frame.write_text(f'<!doctype html><body style="margin: 0"><iframe width="{width}" height="{height}" '
                     f'style="border: 0" srcdoc="{text}"></iframe>')
    subprocess.run([browser, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
                    "--force-prefers-reduced-motion", "--virtual-time-budget=5000", "--force-device-scale-factor=1.5",
                    f"--user-data-dir={page.with_name('profile')}", f"--screenshot={picture}",
                    f"--window-size={max(width, 600)},{height + 100}",
                    f"--blink-settings=preferredColorScheme={0 if scheme == 'dark' else 1}", frame.as_uri()],
                   check=True, capture_output=True, timeout=120)
    with Image.open(picture) as image:
        cut = image.convert("RGB").crop((0, 0, int(width * 1.5), int(height * 1.5)))
    cut.quantize(256, dither=Image.Dither.NONE).save(picture, optimize=True)


def main() -> None:
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        sys.exit(f"none of these browsers is installed: {', '.join(BROWSERS)}")
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder) / "page.html"
        subprocess.run([sys.executable, "-m", "minigrad.explain", "circles", "--step", str(STEP), "-o", str(page)],
                       check=True, capture_output=True)
        for name, view in VIEWS.items():
            take(browser, page, PICTURES / f"{name}.png", *view)
            print(PICTURES / f"{name}.png")


if __name__ == "__main__":
    main()
