"""The demo company's site: a catalogue, a page a product and the help pages, each with the chat widget on it."""

from __future__ import annotations

import json
import mimetypes
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from pydantic import BaseModel, ConfigDict, ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, Response
from starlette.routing import BaseRoute, Route

from bot.errors import ConfigError

LANGUAGES = {"en": "English", "zh": "中文"}
POLICY = (
    "default-src 'self'; img-src 'self' data: blob:; media-src 'self' blob:; style-src 'self'; script-src 'self'; "
    "connect-src 'self' ws: wss:; object-src 'none'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
}
COLOR = re.compile(r"#[0-9a-fA-F]{3,8}")


class Product(BaseModel):
    """One line of `products.jsonl`. Prices are in the currency's main unit."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    id: str
    name: str
    name_zh: str = ""
    category: str
    price: float
    currency: str = "EUR"
    description: str
    description_zh: str = ""
    features: tuple[str, ...] = ()
    spare_parts: tuple[str, ...] = ()
    in_stock: bool = True
    image: str = ""


class Brand(BaseModel):
    """`brand.json`: the company's look."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    name: str
    tagline: str = ""
    tagline_zh: str = ""
    colors: dict[str, str] = {}
    phone: str = ""
    email: str = ""


@dataclass(frozen=True, slots=True)
class HelpPage:
    """A public document to link to: `section` groups it, `href` opens our rendering of it."""

    title: str
    section: str
    language: str
    href: str


def read_brand(folder: Path, name: str) -> Brand:
    """The company's look; a bot without `brand.json` gets its name in the default colours."""
    path = folder / "brand.json"
    if not path.is_file():
        return Brand(name=name)
    try:
        return Brand.model_validate_json(path.read_bytes())
    except ValidationError as error:
        raise ConfigError(f"{path}: {error.errors()[0]['msg']}") from None


def read_products(folder: Path) -> tuple[Product, ...]:
    """The catalogue, in the file's order; none when there is no `products.jsonl`."""
    path = folder / "products.jsonl"
    if not path.is_file():
        return ()
    found = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if not line.strip():
            continue
        try:
            found.append(Product.model_validate(json.loads(line)))
        except (ValidationError, json.JSONDecodeError) as error:
            raise ConfigError(f"{path}, line {number}: {error}") from None
    return tuple(found)


class Site:
    """The pages. `help_pages()` gives the public documents of the index that is served just now."""

    def __init__(
        self, folder: Path, name: str, website_token: str, help_pages: Callable[[], Sequence[HelpPage]]
    ) -> None:
        self.folder = folder.resolve()
        self.brand = read_brand(folder, name)
        self.products = read_products(folder)
        self.by_id = {product.id: product for product in self.products}
        self.website_token = website_token
        self.help_pages = help_pages
        loader = PackageLoader("channels.web", "pages")
        self.pages = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True)

    def routes(self) -> list[BaseRoute]:
        """`/`, `/shop/ID`, `/help`, `/chat` (the widget alone, for its pop-out), pictures and the style sheet."""
        return [
            Route("/", self.catalogue),
            Route("/shop/{id}", self.product),
            Route("/help", self.help),
            Route("/chat", self.chat),
            Route("/brand/{file}", self.brand_file),
            Route("/products/{file}", self.picture),
            Route("/assets/{file}", self.asset),
        ]

    async def catalogue(self, request: Request) -> Response:
        wanted = request.query_params.get("category", "")
        shown = [product for product in self.products if not wanted or product.category == wanted]
        categories = sorted({product.category for product in self.products})
        return self._page(request, "shop.html", products=shown, categories=categories, wanted=wanted)

    async def product(self, request: Request) -> Response:
        product = self.by_id.get(request.path_params["id"])
        if product is None:
            raise HTTPException(404)
        alike = [other for other in self.products if other.category == product.category and other.id != product.id]
        return self._page(request, "product.html", product=product, alike=alike[:4])

    async def help(self, request: Request) -> Response:
        language = _language(request)
        pages = sorted(
            (page for page in self.help_pages() if page.language == language),
            key=lambda page: (page.section, page.title),
        )
        sections = [(section, list(group)) for section, group in groupby(pages, key=lambda page: page.section)]
        return self._page(request, "help.html", sections=sections)

    async def chat(self, request: Request) -> Response:
        return self._page(request, "chat.html")

    async def brand_file(self, request: Request) -> Response:
        name = request.path_params["file"]
        if name == "brand.css":
            chosen = {key: value for key, value in self.brand.colors.items() if COLOR.fullmatch(value)}
            rules = "".join(f"--{key}:{chosen[key]};" for key in ("primary", "accent") if key in chosen)
            return Response(f":root{{{rules}}}", media_type="text/css")
        if name not in ("mark.svg", "logo.svg"):
            raise HTTPException(404)
        return self._file(self.folder / name)

    async def picture(self, request: Request) -> Response:
        return self._file(self.folder / "products" / request.path_params["file"])

    async def asset(self, request: Request) -> Response:
        return self._file(Path(__file__).parent / "pages" / request.path_params["file"], {".css", ".js"})

    def _file(self, path: Path, endings: frozenset[str] | set[str] = frozenset({".svg", ".webp", ".png"})) -> Response:
        """A file of ours, by a name without folders. Pictures may carry no script."""
        if path.suffix not in endings or not path.is_file() or path.is_symlink():
            raise HTTPException(404)
        headers = {"Cache-Control": "public, max-age=3600", "X-Content-Type-Options": "nosniff"}
        if path.suffix == ".svg":
            headers["Content-Security-Policy"] = "default-src 'none'; style-src 'unsafe-inline'; sandbox"
        return FileResponse(path, media_type=mimetypes.guess_type(path.name)[0], headers=headers)

    def _page(self, request: Request, template: str, **values: Any) -> Response:
        language = _language(request)
        html = self.pages.get_template(template).render(
            brand=self.brand,
            language=language,
            languages=LANGUAGES,
            path=request.url.path,
            website_token=self.website_token,
            zh=language == "zh",
            **values,
        )
        headers = {
            "Content-Security-Policy": POLICY,
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "same-origin",
        }
        return HTMLResponse(html, headers=headers)


def _language(request: Request) -> str:
    """`?lang=` if given, else the browser's first language that the site speaks."""
    wanted = request.query_params.get("lang") or request.query_params.get("locale") or ""
    accepted = [wanted, *request.headers.get("accept-language", "").split(",")]
    for tag in accepted:
        short = tag.strip().split(";")[0].replace("_", "-").split("-")[0].lower()
        if short in LANGUAGES:
            return short
    return "en"
