"""``--html FILE``: what stands in the file, what it keeps to itself, and where it may lie."""

from __future__ import annotations

import re
import stat
from collections.abc import Sequence
from html.parser import HTMLParser
from pathlib import Path

import pytest

from hermes_repair.cli.guard import run
from hermes_repair.evidence import kept_copies
from tests.cli.speaking import say
from tests.homes.content import files
from tests.homes.home import execute, query, query_at_rest, receipts
from tests.homes.small import FRONT, ONLY, SECRET, chat_only_in_file, small_home
from tests.pages.conftest import HOSTILE, LOST, MOVED, TURNED

Capture = pytest.CaptureFixture[str]
EMPTY = {"meta", "rect", "line", "circle", "path", "br", "input", "img", "link"}


class Reader(HTMLParser):
    """Reads a page as a browser does, and notes what it is made of."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str]] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.words: list[str] = []

    def handle_starttag(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        if tag not in EMPTY:
            self.open.append(tag)
        for name, value in attrs:
            self.attributes.append((name, value or ""))
            if name == "id":
                self.ids.append(value or "")
            if name == "href":
                self.links.append(value or "")

    def handle_startendtag(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in EMPTY:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def read(path: Path) -> Reader:
    reader = Reader()
    reader.feed(path.read_text(encoding="utf-8"))
    reader.close()
    assert not reader.open
    return reader


def shown(path: Path) -> str:
    """Return the words of a page as a reader sees them."""
    return " ".join(" ".join(read(path).words).split())


@pytest.fixture
def home(tmp_path: Path) -> Path:
    root = small_home(tmp_path / "alone" / "home", 14)
    chat_only_in_file(root)
    return root


@pytest.fixture
def page(tmp_path: Path) -> Path:
    return tmp_path / "page.html"


def test_the_page_says_what_the_doctor_says(home: Path, page: Path, capsys: Capture) -> None:
    before = files(home)
    said = say(capsys, "doctor", "--home", home, "--html", page)
    assert said.code == 1
    assert str(page) in said.out
    assert files(home) == before
    words = shown(page)
    document = say(capsys, "doctor", "--home", home, "--json").document
    for finding in document["findings"]:
        assert finding["id"] in words
        assert finding["message"] in words
    assert "What repair does." in words
    assert f"hermes-repair repair --home {home}" in words
    assert f"hermes-repair backfill --home {home} {ONLY}" in words


def test_a_loss_is_a_gap_where_it_is(home: Path, page: Path, capsys: Capture) -> None:
    say(capsys, "doctor", "--home", home, "--html", page)
    labels = [value for name, value in read(page).attributes if name == "aria-label"]
    front = "From first to last: 4 messages are missing from the database, then 6 messages are in"
    assert any(label.startswith(front) for label in labels)
    words = shown(page)
    assert f"{FRONT} 2026-06-01 · telegram comes back safely" in words
    assert "4 messages missing, 2026-06-01 21:00 to 21:14 UTC" in words
    assert f"{ONLY} 2026-05-26 you decide" in words


def test_titles_stand_in_it_only_where_they_are_wanted(
    home: Path, page: Path, capsys: Capture
) -> None:
    say(capsys, "doctor", "--home", home, "--html", page)
    assert SECRET not in page.read_text()
    say(capsys, "doctor", "--home", home, "--html", page, "--titles")
    text = page.read_text()
    assert f"{SECRET}, aaaaaaaa" in text
    assert f"{SECRET}: user" not in text and f"{SECRET}, number" not in text
    say(capsys, "repair", "--home", home, "--yes")
    say(capsys, "history", "--home", home, "--html", page)
    assert SECRET not in page.read_text()
    say(capsys, "history", "--home", home, "--html", page, "--titles")
    assert f"{SECRET}, aaaaaaaa" in page.read_text()


def test_hostile_texts_stay_texts(hostile: Path, page: Path, capsys: Capture) -> None:
    """Tags, attributes, templates, and characters that turn round what is read."""
    for words in (["doctor"], ["doctor", "--titles"], ["repair", "--yes"], ["history", "--titles"]):
        html = ["--html", str(page)] if words[0] != "repair" else []
        assert say(capsys, *words, "--home", hostile, *html).code in (0, 1, 4)
        if not html:
            continue
        text, reader = page.read_text(encoding="utf-8"), read(page)
        assert not reader.tags & {"script", "img", "b", "iframe", "object", "form", "input"}
        assert not [name for name, _ in reader.attributes if name.startswith("on")]
        assert all(link.startswith("#") for link in reader.links)
        assert not set("\u202e\x1b\x00\u2028") & set(text)
        assert HOSTILE not in text
        assert "onerror=alert(1)" in "".join(reader.words)
        assert "{{ 7 * 7 }}{% raw %}" in "".join(reader.words) or words == ["history", "--titles"]
    assert len(TURNED) > 4


def test_every_link_leads_to_one_place_of_the_page(
    damaged: Path, page: Path, capsys: Capture
) -> None:
    say(capsys, "doctor", "--home", damaged, "--all-profiles", "--html", page)
    reader = read(page)
    assert len(reader.ids) == len(set(reader.ids))
    assert reader.links
    assert {link.removeprefix("#") for link in reader.links} <= set(reader.ids)
    named = [value for name, value in reader.attributes if name == "aria-labelledby"]
    assert set(named) <= set(reader.ids)


def test_nothing_is_loaded_and_nothing_runs(damaged: Path, page: Path, capsys: Capture) -> None:
    say(capsys, "doctor", "--home", damaged, "--html", page)
    text, reader = page.read_text(), read(page)
    assert "script" not in reader.tags
    assert not re.search(r"https?://|url\((?!#)|@import|src=", text)
    assert ("content", "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action"
            " 'none'") in reader.attributes  # fmt: skip


def test_all_profiles_stand_in_one_page(damaged: Path, page: Path, capsys: Capture) -> None:
    say(capsys, "doctor", "--home", damaged, "--all-profiles", "--html", page)
    words = shown(page)
    assert "profile default" in words and "profile work" in words


def test_json_stays_one_document(home: Path, page: Path, capsys: Capture) -> None:
    alone = say(capsys, "doctor", "--home", home, "--json").document
    beside = say(capsys, "doctor", "--home", home, "--json", "--html", page)
    assert beside.document["findings"] == alone["findings"]
    assert page.exists()


def test_a_page_replaces_only_a_page_and_is_no_part_of_a_home(
    home: Path, page: Path, capsys: Capture
) -> None:
    other = page.with_name("letter.html")
    other.write_text("<p>mine")
    link = page.with_name("link.html")
    link.symlink_to(home / "state.db")
    before = files(home)
    for path, code, why in (
        (other, 4, "is no such file of hermes-repair"),
        (link, 4, "is no such file of hermes-repair"),
        (page.parent, 4, "is no such file of hermes-repair"),
        (home / "page.html", 4, "lies in the Hermes home"),
        (home / "sessions" / "page.html", 4, "lies in the Hermes home"),
        (page.parent / "none" / "page.html", 2, "There is no folder"),
    ):
        said = say(capsys, "doctor", "--home", home, "--html", path)
        assert (said.code, why in said.err) == (code, True), said
        assert not said.out
    assert other.read_text() == "<p>mine"
    assert files(home) == before
    for _ in range(2):  # the second replaces the first
        assert say(capsys, "doctor", "--home", home, "--html", page).code == 1
    assert stat.S_IMODE(page.stat().st_mode) == 0o600
    assert sorted(path.name for path in page.parent.iterdir() if path.name.startswith(".")) == []


def test_titles_without_a_page_are_no_wish(home: Path, capsys: Capture) -> None:
    assert say(capsys, "doctor", "--home", home, "--titles").code == 2


def test_a_database_that_cannot_be_read_has_a_page_too(
    home: Path, page: Path, capsys: Capture
) -> None:
    (home / "state.db").write_bytes(b"\xff" * 8192)
    say(capsys, "doctor", "--home", home, "--html", page)
    assert "The database cannot be used as it is." in shown(page)
    assert "hermes-repair salvage" in shown(page)


def test_nothing_wrong_is_said_in_a_page_too(home: Path, page: Path, capsys: Capture) -> None:
    say(capsys, "doctor", "--home", home, "--html", page, "--select", "FT")
    words = shown(page)
    assert "Nothing of that kind is wrong here." in words
    assert "Search nothing wrong" in words
    assert "Locks" not in words and "Chats " not in words


def test_history_shows_each_chat_before_and_after(home: Path, page: Path, capsys: Capture) -> None:
    say(capsys, "repair", "--home", home, "--yes")
    say(capsys, "backfill", ONLY, "--home", home, "--yes")
    before = files(home)
    said = say(capsys, "history", "--home", home, "--html", page)
    assert (said.code, files(home)) == (0, before)
    words = shown(page)
    newest, oldest = (path.stem for path in reversed(receipts(home)))
    assert "8 messages came back in 2 chats." in words
    assert newest in words and oldest in words
    assert (
        f"To take back this and what came after it: hermes-repair undo --home {home} {oldest}"
        in words
    )
    labels = [value for name, value in read(page).attributes if name == "aria-label"]
    assert "Before: 6 messages. After: 10 messages." in labels
    assert "Before: 0 messages. After: 4 messages." in labels

    say(capsys, "undo", oldest, "--home", home, "--yes")
    say(capsys, "history", "--home", home, "--html", page)
    assert "Nothing that was done here stands now." in shown(page)
    labels = [value for name, value in read(page).attributes if name == "aria-label"]
    assert "Before: 6 messages. After: 10 messages." in labels


def test_history_of_a_home_whose_database_is_gone(home: Path, page: Path, capsys: Capture) -> None:
    say(capsys, "repair", "--home", home, "--yes")
    (home / "state.db").write_bytes(b"\xff" * 8192)
    assert say(capsys, "history", "--home", home, "--html", page).code == 0
    assert "What stands in the database today is not shown" in shown(page)
    assert "4 messages added" in shown(page)


def test_a_strange_time_stands_on_no_day(home: Path, page: Path, capsys: Capture) -> None:
    """Milliseconds, text and infinity are in the database of somebody."""
    said = say(capsys, "doctor", "--home", home, "--html", page)
    for value in (1.7e12, "yesterday", 9e999, -5.0, b"\xff", None):
        newest = query(home, "SELECT MAX(id) FROM messages")[0][0]
        execute(home, "UPDATE messages SET timestamp = ? WHERE id = ?", value or 0.0, newest)
        said = say(capsys, "doctor", "--home", home, "--html", page)
        assert said.code == 1, said
        assert "When it was said" in shown(page)


# --- What copies have -----------------------------------------------------------------------------


def test_what_only_a_copy_has_is_a_gap_with_a_lane_below(with_copy: Path, tmp_path: Path) -> None:
    """In the middle of a chat, and of a chat that is gone; ids were moved since the copy."""
    before = files(with_copy)
    execute(with_copy, "UPDATE messages SET id = id + 9000 WHERE session_id = ?", MOVED)
    page = tmp_path / "page.html"
    assert not run_plain("doctor", "--home", with_copy, "--html", page)
    text = page.read_text(encoding="utf-8")
    articles = re.findall(r'<article class="chat".*?</article>', text, re.DOTALL)
    (lost,) = (one for one in articles if LOST in one)
    assert (
        "From first to last: 3 messages are in the database and in a copy, then 5 messages are"
        " missing from the database and in a copy, then 6 messages are in the database and in a"
        " copy." in lost
    )
    assert (
        "5 messages are only in a copy of the database" in lost
        and "<span>Copies</span><div>" in lost
    )
    (moved,) = (one for one in articles if MOVED in one)
    assert "then 4 messages are missing from the database." in moved, "the copy lacks them too"
    assert "and in a copy" in moved and "a copy has it" in text
    assert len(articles) == 9 and files(with_copy).keys() == before.keys()


def test_a_chat_that_was_deleted_here_is_drawn_as_the_copy_has_it(
    with_copy: Path, tmp_path: Path
) -> None:
    """Perhaps on purpose: it stands there without its title, all of it in the copies' lane."""
    (title,) = query_at_rest(with_copy, "SELECT title FROM sessions WHERE id = ?", MOVED)[0]
    execute(with_copy, "DELETE FROM messages WHERE session_id = ?", MOVED)
    execute(with_copy, "DELETE FROM sessions WHERE id = ?", MOVED)
    (with_copy / "sessions" / f"{MOVED}.jsonl").unlink()
    page = tmp_path / "page.html"
    assert not run_plain("doctor", "--home", with_copy, "--titles", "--html", page)
    text = page.read_text(encoding="utf-8")
    articles = re.findall(r'<article class="chat".*?</article>', text, re.DOTALL)
    (deleted,) = (one for one in articles if MOVED in one)
    assert "5 messages are missing from the database and in a copy." in deleted
    assert "<span>Copies</span><div>" in deleted and title not in text


def test_what_is_not_drawn_is_said(
    with_copy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept_copies, "MOST_CHATS", 0)
    page = tmp_path / "page.html"
    assert not run_plain("doctor", "--home", with_copy, "--html", page)
    text = page.read_text(encoding="utf-8")
    assert "of 1 more chat a copy has something that state.db has not" in text
    assert "<span>Copies</span><div>" not in text


def run_plain(*words: str | Path) -> str:
    """Run a command that may find something; return what it says of failures."""
    done = run([str(word) for word in words])
    return "" if done in (0, 1) else f"it ended with {done}"


def test_without_copies_there_is_no_lane_for_them(damaged: Path, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    assert not run_plain("doctor", "--home", damaged, "--html", page)
    text = page.read_text(encoding="utf-8")
    assert (
        "<span>Copies</span><div>" not in text
        and "In copies" not in text
        and "a copy has it" not in text
    )
