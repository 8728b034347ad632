"""The pages in a real browser: what it complains of, what can be read, reached and printed.

``PAGE_SHOTS=FOLDER`` keeps the screenshots.
"""

from __future__ import annotations

import os
import time
import zlib
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tests.cli.speaking import say
from tests.homes.home import copy_home, new_home
from tests.homes.small import DAY, NOW
from tests.pages.chromium import Page

Capture = pytest.CaptureFixture[str]
LOOKS = {"light": {}, "dark": {"dark": True}, "phone": {"wide": 390, "high": 844}}

FAINT = """(() => {
  const canvas = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
  const rgba = text => {
    canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = text; canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const light = ([r, g, b]) => {
    const part = [r, g, b].map(c => (c /= 255) <= .04045 ? c / 12.92 : ((c + .055) / 1.055) ** 2.4);
    return .2126 * part[0] + .7152 * part[1] + .0722 * part[2];
  };
  const behind = element => {
    for (let at = element; at; at = at.parentElement) {
      const colour = rgba(getComputedStyle(at).backgroundColor);
      if (colour[3] === 255) return colour;
    }
    return rgba('white');
  };
  const faint = [];
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  let looked = 0;
  for (let text; (text = walk.nextNode());) {
    const element = text.parentElement;
    if (!text.data.trim() || element.closest('title, style')) continue;
    if (!element.checkVisibility()) continue;
    const style = getComputedStyle(element);
    const svg = element.namespaceURI.endsWith('svg');
    const ink = rgba(svg ? style.fill : style.color);
    const edged = svg && style.paintOrder.startsWith('stroke');
    const ground = edged ? rgba(style.stroke) : behind(element);
    const [a, b] = [light(ink), light(ground)].sort((x, y) => y - x);
    looked += 1;
    if ((a + .05) / (b + .05) < 4.5) faint.push([text.data.trim().slice(0, 40), ink, ground]);
  }
  return {looked, faint};
})()"""
"""Texts whose contrast with what is behind them is below 4.5 (WCAG 2.2, AA)."""

CUT = """[...document.querySelectorAll('body *')].filter(element => element.checkVisibility()
  && element.getBoundingClientRect().right > innerWidth + 1 && !element.closest('.scroll, .skip'))
  .map(element => element.outerHTML.slice(0, 80))"""
"""What stands out of the window on the right."""

UNNAMED = """[...document.querySelectorAll('svg, section, nav')].filter(element =>
  !(element.closest('[aria-hidden=true]') || element.getAttribute('aria-label')
    || document.getElementById(element.getAttribute('aria-labelledby') || '')?.textContent.trim()
    || element.querySelector('h3'))).map(element => element.outerHTML.slice(0, 80))"""
"""Drawings and parts of the page that have no name to be read out."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return where screenshots go."""
    kept = os.environ.get("PAGE_SHOTS")
    place = Path(kept) if kept else tmp_path / "shots"
    place.mkdir(exist_ok=True)
    return place


def look(browser: Page, path: Path, folder: Path, name: str) -> None:
    """Look at a page in every way, and hold it to what a reader needs."""
    sizes = set()
    for kind, options in LOOKS.items():
        browser.wearing(**options)  # type: ignore[arg-type]
        browser.open(path)
        assert browser.said == []
        assert browser.asked_for == [path.absolute().as_uri()]  # itself, and nothing else
        seen = browser.ask(FAINT)
        assert seen["looked"] > 20
        assert seen["faint"] == [], kind
        assert browser.ask(CUT) == [], kind
        assert browser.ask("document.documentElement.scrollWidth <= innerWidth"), kind
        assert browser.ask(UNNAMED) == []
        shot = folder / f"{name}-{kind}.png"
        browser.screenshot(shot)
        sizes.add(zlib.crc32(shot.read_bytes()))
    assert len(sizes) == len(LOOKS)  # dark is not light, and a phone is no desktop


def test_the_doctors_page(
    browser: Page, damaged: Path, tmp_path: Path, folder: Path, capsys: Capture
) -> None:
    path = tmp_path / "page.html"
    say(capsys, "doctor", "--home", damaged, "--titles", "--html", path)
    look(browser, path, folder, "doctor")

    browser.wearing()
    browser.open(path)
    levels = browser.ask(
        "[...document.querySelectorAll('h1, h2, h3')].map(h => Number(h.tagName[1]))"
    )
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    tree = browser.send("Accessibility.getFullAXTree")["nodes"]
    spoken = [(node["role"]["value"], node.get("name", {}).get("value", "")) for node in tree]
    assert {"main", "navigation", "heading", "list"} <= {role for role, _ in spoken}
    drawings = [name for role, name in spoken if role in ("image", "img")]
    assert any("messages are missing from the database" in name for name in drawings)
    assert any("only in files" in name for name in drawings)
    assert all(drawings)

    # By keys alone: the first Tab skips to the content, every stop is seen, Enter unfolds.
    stops = reach(browser)
    assert stops[0]["text"] == "To the content"
    assert all(stop["outline"] != "none" for stop in stops)
    seen = "[...document.querySelectorAll('a[href], summary')].filter(e => e.checkVisibility())"
    assert len(stops) == browser.ask(f"{seen}.length")
    browser.ask("document.querySelector('.finding summary').focus()")
    browser.key("Enter")
    assert browser.ask("document.querySelector('.finding details').open")

    # Paper has what is folded away on a screen.
    assert browser.printed().startswith(b"%PDF-")
    browser.send("Emulation.setEmulatedMedia", media="print")
    unfolded = "[...document.querySelectorAll('.explained')].every(e => e.offsetHeight > 0)"
    assert browser.ask(unfolded)
    browser.send("Emulation.setEmulatedMedia", media="")


def reach(browser: Page) -> list[dict[str, Any]]:
    """Return where Tab comes to, in order."""
    stops: list[dict[str, Any]] = []
    for _ in range(200):
        browser.key("Tab")
        stop = browser.ask(
            "(e => e === document.body ? null : {text: e.textContent.trim(),"
            " outline: getComputedStyle(e).outlineStyle})(document.activeElement)"
        )
        if stop is None:
            break
        stops.append(stop)
    return stops


def test_the_page_of_a_history(
    browser: Page, damaged: Path, tmp_path: Path, folder: Path, capsys: Capture
) -> None:
    home, path = copy_home(damaged, tmp_path / "home"), tmp_path / "page.html"
    say(capsys, "repair", "--home", home, "--yes")
    say(capsys, "history", "--home", home, "--html", path)
    look(browser, path, folder, "history")


def test_the_lane_of_the_copies(
    browser: Page, with_copy: Path, tmp_path: Path, folder: Path, capsys: Capture
) -> None:
    path = tmp_path / "page.html"
    say(capsys, "doctor", "--home", with_copy, "--titles", "--html", path)
    look(browser, path, folder, "copies")
    assert browser.ask("document.querySelectorAll('.f-incopies').length") > 4


def test_hostile_texts_do_nothing(
    browser: Page, hostile: Path, tmp_path: Path, folder: Path, capsys: Capture
) -> None:
    path = tmp_path / "page.html"
    say(capsys, "doctor", "--home", hostile, "--titles", "--html", path)
    look(browser, path, folder, "hostile")
    assert browser.ask("document.title").startswith("hermes-repair: ")
    assert browser.ask("document.querySelectorAll('script, img, b').length") == 0


def test_five_thousand_sessions_do_not_stall(
    browser: Page, tmp_path: Path, capsys: Capture
) -> None:
    """Made, loaded, unfolded and scrolled, on one busy core."""
    home, path = tmp_path / "home", tmp_path / "page.html"
    start = NOW - 900 * DAY
    with new_home(home, 16) as db:
        db.executemany(
            "INSERT INTO sessions (id, source, parent_session_id, started_at, ended_at,"
            " end_reason, message_count) VALUES (?, 'telegram', ?, ?, ?, ?, 1)",
            [
                (
                    f"s{n:05}",
                    f"s{n - 1:05}" if n % 10 else None,
                    start + n * DAY / 6,
                    start + n * DAY / 6 + 60 if n % 10 < 9 else None,
                    "compression" if n % 10 < 9 else None,
                )
                for n in range(5000)
            ],
        )
        db.executemany(
            "INSERT INTO messages (session_id, role, content, timestamp)"
            " VALUES (?, 'user', 'hello', ?)",
            [(f"s{n:05}", start + n * DAY / 6 + 1) for n in range(5000)],
        )
    assert say(capsys, "doctor", "--home", home, "--html", path).code in (0, 1)
    assert path.stat().st_size < 8 << 20
    browser.wearing()
    began = time.monotonic()
    browser.open(path)
    assert browser.ask("document.querySelectorAll('table tr').length") == 5001
    browser.ask("document.querySelectorAll('details').forEach(d => d.open = true)")
    browser.ask("scrollTo(0, document.documentElement.scrollHeight / 2)")
    browser.ask("new Promise(done => requestAnimationFrame(done)) && document.body.offsetHeight")
    assert time.monotonic() - began < 10
    assert browser.said == []
