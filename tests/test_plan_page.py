"""The page of `plan --format html` in a real browser: no error, no request, nothing wider than a phone."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from reana_rucio_compiler import compile  # noqa: A004 - the name of the command
from reana_rucio_compiler.overview import page
from reana_rucio_compiler.overview.facts import gather
from tests.examples import ROOT

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# Asks the page, which forbids scripts, from around it: of a frame of another document only its size is known.
MEASURE = """<!DOCTYPE html><meta charset="utf-8"><iframe id="f" style="width:%dpx;height:800px;border:0" srcdoc="%s"></iframe>
<pre id="found">nothing</pre>
<script>
addEventListener("load", () => {
  const page = document.getElementById("f").contentDocument, root = page.documentElement;
  const boxes = [...page.querySelectorAll("svg rect:first-of-type")].map(each => each.getBoundingClientRect().width);
  const over = [...page.querySelectorAll("svg g")].filter(each => {
    const edge = each.querySelector("rect").getBoundingClientRect().right;
    return [...each.querySelectorAll("text")].some(line => line.getBoundingClientRect().right > edge);
  }).map(each => each.textContent);
  document.getElementById("found").textContent = JSON.stringify({
    page: root.scrollWidth, window: root.clientWidth, boxes: Math.min(...boxes), over,
    title: page.querySelector("svg").getAttribute("aria-labelledby").split(" ").map(id => page.getElementById(id).textContent),
    rows: page.querySelectorAll("tbody tr").length,
    requests: document.getElementById("f").contentWindow.performance.getEntriesByType("resource").map(each => each.name),
  });
});
</script>"""


@pytest.fixture(scope="module")
def browser() -> str:
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        pytest.skip(f"none of {', '.join(BROWSERS)} is installed")
    return found


def _browse(browser: str, directory: Path, address: Path, *options: str) -> subprocess.CompletedProcess[str]:
    profile = f"--user-data-dir={directory / 'profile'}"
    quiet = ("--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run")
    command = [
        browser,
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        profile,
        *quiet,
        "--enable-logging=stderr",
        *options,
    ]
    ran = subprocess.run(
        [*command, f"file://{address}"], capture_output=True, text=True, timeout=120, env={"HOME": str(directory)}
    )
    assert ran.returncode == 0, ran.stderr
    return ran


def _page(directory: Path, example: str) -> Path:
    path = directory / "plan.html"
    path.write_text(page.render(gather(compile(ROOT / "examples" / example / "reana.yaml"), "reana.yaml")))
    return path


@pytest.mark.slow
@pytest.mark.parametrize("width", [360, 1100])
@pytest.mark.parametrize("example", ["cwl-dimuon-scatter", "serial-two-instances", "snakemake-data-and-simulation"])
def test_page_fits_and_asks_for_nothing(browser: str, example: str, width: int, tmp_path: Path) -> None:
    text = _page(tmp_path, example).read_text()
    outer = tmp_path / "outer.html"
    escaped = text.replace("&", "&amp;").replace('"', "&quot;")
    outer.write_text(MEASURE % (width, escaped))
    ran = _browse(browser, tmp_path, outer, "--dump-dom", "--window-size=1400,1000", "--virtual-time-budget=5000")
    assert re.findall(r"CONSOLE.*", ran.stderr) == []
    said = re.search(r'<pre id="found">(.*?)</pre>', ran.stdout, re.DOTALL)
    found = json.loads(said.group(1).replace("&quot;", '"').replace("&gt;", ">").replace("&amp;", "&"))
    assert found["page"] <= found["window"]  # nothing to scroll sideways but what scrolls by itself
    assert found["requests"] == []
    assert found["over"] == []
    assert found["boxes"] > 230
    assert found["title"][0] == "The steps of reana.yaml"
    assert found["rows"] >= 4
