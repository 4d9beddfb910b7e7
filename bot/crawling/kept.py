"""What is kept of a site: a Markdown file for each page, and in `.crawl.json` what the next crawl has to know."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import yaml

from bot.crawling.pages import Page
from bot.errors import CrawlError
from retrieval.texts import write_whole

STATE = ".crawl.json"
"""Hidden, so that ingestion leaves it alone."""
_ODD = re.compile(r"[^\w.-]+")


@dataclass(frozen=True, slots=True)
class Record:
    """A page that is kept: its file below the folder, what it said, and where it led when it was last read."""

    file: str
    digest: str
    etag: str = ""
    since: str = ""
    links: tuple[str, ...] = ()


@dataclass(slots=True)
class Kept:
    """The folder of one crawl. `start` is the address that it began with, `finished` when it was last done, ISO."""

    folder: Path
    start: str
    finished: str = ""
    pages: dict[str, Record] = field(default_factory=dict)

    @classmethod
    def load(cls, folder: Path, start: str) -> Kept:
        """What is there; nothing in a new folder. CrawlError when it belongs to another site or cannot be read."""
        try:
            said = json.loads((folder / STATE).read_text(encoding="utf-8"))
            pages = {url: Record(**{**each, "links": tuple(each["links"])}) for url, each in said["pages"].items()}
            known = cls(folder, str(said["start"]), str(said["finished"]), pages)
        except FileNotFoundError:
            return cls(folder, start)
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise CrawlError(f"{folder / STATE} cannot be read ({error}): delete it, and all is fetched anew") from None
        if known.start != start:
            raise CrawlError(f"{folder} holds what was crawled from {known.start}: name another folder for {start}")
        return known

    def save(self) -> None:
        """CrawlError when the folder cannot be written."""
        said = {
            "start": self.start,
            "finished": self.finished,
            "pages": {url: asdict(record) for url, record in sorted(self.pages.items())},
        }
        self._write(self.folder / STATE, json.dumps(said, ensure_ascii=False, indent=1))

    def has(self, url: str) -> bool:
        """Whether the page's file is there as it was written, so that it need not be sent again."""
        record = self.pages.get(url)
        return record is not None and (self.folder / record.file).is_file()

    def put(self, url: str, page: Page, headers: dict[str, str], changed: str) -> bool:
        """Keep a page; True when its file was written: what it says is new or other. `changed` is from the sitemap."""
        modified = _day(headers.get("last-modified", "")) or _iso_day(changed)
        known = self.pages.get(url)
        file = known.file if known else self._name(url)
        since = headers.get("last-modified", "")
        self.pages[url] = Record(file, page.digest, headers.get("etag", ""), since, page.links)
        if known is not None and known.digest == page.digest and (self.folder / file).is_file():
            return False
        front: dict[str, Any] = {"title": page.title, "url": url, "fetched": _now(), "modified": modified}
        front["language"] = page.language
        said = {key: value for key, value in front.items() if value}
        head = yaml.safe_dump(said, allow_unicode=True, sort_keys=False, width=1000)
        self._write(self.folder / file, f"---\n{head}---\n\n{page.markdown}")
        return True

    def drop(self, url: str) -> None:
        """A page is gone: its file too."""
        (self.folder / self.pages.pop(url).file).unlink(missing_ok=True)

    def done(self) -> None:
        """The crawl came to its end."""
        self.finished = _now()
        self.save()

    def _name(self, url: str) -> str:
        """A file for an address, the same every time: its host and path, with a digest where that is not enough."""
        parts = urlsplit(url)
        places = [_ODD.sub("-", unquote(part)).strip(".-")[:60] for part in parts.path.split("/")]
        name = "/".join([_ODD.sub("-", parts.netloc), *(place for place in places if place)][:12])
        if parts.path.endswith("/") or parts.path == "":
            name += "/index"
        name = re.sub(r"\.(?:x?html?|php|aspx?|jsp)$", "", name, flags=re.I)
        taken = {record.file.lower() for record in self.pages.values()}
        if parts.query or f"{name}.md".lower() in taken:
            name += "-" + hashlib.sha256(url.encode()).hexdigest()[:8]
        return f"{name}.md"

    def _write(self, file: Path, content: str) -> None:
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            write_whole(file, content)
        except OSError as error:
            raise CrawlError(f"{file} cannot be written: {error.strerror or error}") from None


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _day(header: str) -> str:
    try:
        return parsedate_to_datetime(header).date().isoformat()
    except (ValueError, TypeError, IndexError):
        return ""


def _iso_day(text: str) -> str:
    found = re.match(r"\d{4}-\d{2}-\d{2}", text)
    return found.group() if found else ""
