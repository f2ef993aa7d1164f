"""Reports before axe, the accessibility checker, in headless Chromium.

    python tests/bench/accessible.py FILE.html [FILE.html ...]

Each page is checked at widths of 1,280 and 390 pixels, light and dark, and printed with what axe
finds; the exit code is the number of serious or critical findings. Needs Chromium (Debian's package
``chromium``) and npm, from whose registry axe-core comes; without them the command says so.
"""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

AXE = "axe-core@4.11.0"
WIDTHS, SCHEMES = (1280, 390), ("light", "dark")
_FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-sync",
          "--disable-background-networking", "--disable-component-update",
          "--virtual-time-budget=60000", "--dump-dom")  # fmt: skip
_GRAVE = ("serious", "critical")
# the page reports to the one around it, as a window cannot be as narrow as a telephone
_RUN = """<script>{axe}</script><script>addEventListener("load", () => axe.run().then(found => {{
  parent.postMessage(JSON.stringify({{violations: found.violations.map(v => ({{
    impact: v.impact, id: v.id, nodes: v.nodes.map(n => n.target.join(" "))}})),
    wide: document.documentElement.scrollWidth > innerWidth}}), "*")}}))</script>"""
_AROUND = """<!doctype html><meta charset="utf-8"><pre id="found"></pre>
<iframe width="{width}" height="900" srcdoc="{page}"></iframe><script>
addEventListener("message", event => document.getElementById("found").textContent = event.data)
</script>"""


def main(pages: Sequence[str]) -> int:
    """Check all pages and print what is found."""
    chromium, npm = shutil.which("chromium"), shutil.which("npm")
    if not chromium or not npm or not pages:
        print(__doc__ if not pages else "this needs chromium (apt-get install chromium) and npm")
        return 0 if pages else 2
    grave = 0
    with tempfile.TemporaryDirectory(prefix="axe-") as folder:
        place = Path(folder)
        pack = [npm, "pack", "--silent", AXE]
        name = subprocess.run(pack, cwd=place, check=True, capture_output=True, text=True).stdout
        shutil.unpack_archive(place / name.strip(), place)
        axe = (place / "package" / "axe.min.js").read_text("utf-8")
        for page, width, scheme in _cases(pages):
            found = checked(chromium, place, (Path(page).read_text("utf-8"), width, scheme), axe)
            for one in found["violations"]:
                grave += one["impact"] in _GRAVE
            said = [f"{v['impact']}: {v['id']} x{len(v['nodes'])} ({v['nodes'][0]})"
                    for v in found["violations"]]  # fmt: skip
            said += ["wider than the window"] if found["wide"] else []
            print(f"{page} {width}px {scheme}: {'; '.join(said) or 'nothing'}", flush=True)
    return grave


def _cases(pages: Sequence[str]) -> Iterator[tuple[str, int, str]]:
    for page in pages:
        for width in WIDTHS:
            for scheme in SCHEMES:
                yield page, width, scheme


def checked(chromium: str, place: Path, case: tuple[str, int, str], axe: str) -> Any:
    """What axe says of a page at a width in a colour scheme."""
    text, width, scheme = case
    # Chromium has no flag for the scheme: the page's own rule for dark is made to hold, or not
    told = "all" if scheme == "dark" else "not all"
    text = text.replace("(prefers-color-scheme:dark)", told)
    text = text.replace("</body>", _RUN.format(axe=axe) + "</body>")
    around = place / "around.html"
    around.write_text(_AROUND.format(width=width, page=html.escape(text)), "utf-8")
    call = [chromium, *_FLAGS, f"--user-data-dir={place / 'profile'}", around.as_uri()]
    done = subprocess.run(call, check=True, capture_output=True, text=True, timeout=300)
    found = re.search(r'<pre id="found">(.*?)</pre>', done.stdout, re.DOTALL)
    if found is None or not found[1]:
        raise RuntimeError(f"axe gave no answer: {done.stderr[-500:]}")
    return json.loads(html.unescape(found[1]))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
