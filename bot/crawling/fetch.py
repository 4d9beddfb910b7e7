"""One page at a time from one site: never from inside the house, never more than asked, never faster than asked."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

import httpx

from bot.errors import CrawlError

SECONDS = 30.0
"""A page that takes longer, from the first byte asked to the last one had, is left out."""
PAGE_BYTES = 5_000_000
"""What ingestion reads of a page at most."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """`status` and lower-case `headers` of a response; `data` is its body, decompressed. `why`: it is not whole."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    data: bytes = b""
    why: str = ""


class Fetcher:
    """Fetches from one site, with a pause of `delay` seconds between two requests; `taken` counts the bytes.

    Redirects are not followed: where they lead is the caller's to judge. Unless `private`, a name that leads to an
    address of a private network, of this machine or of no machine at all is refused, and the address that was looked at
    is the one that is connected to.
    """

    def __init__(self, agent: str, *, delay: float, private: bool) -> None:
        self.delay = delay
        self.taken = 0
        self._next = 0.0
        self._client = httpx.AsyncClient(
            transport=_Guarded(private),
            headers={"User-Agent": agent, "Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.1"},
            timeout=SECONDS,
            trust_env=False,
            follow_redirects=False,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._client.aclose()

    async def get(self, url: str, *, etag: str = "", since: str = "", most: int = PAGE_BYTES) -> Fetched:
        """A page, if it has changed since (status 304 otherwise). A network that fails is status 0, with `why`.

        Raises CrawlError for an address that must not be asked.
        """
        asked = {"If-None-Match": etag, "If-Modified-Since": since}
        await asyncio.sleep(max(0.0, self._next - time.monotonic()))
        try:
            async with asyncio.timeout(SECONDS):
                return await self._read(url, {name: value for name, value in asked.items() if value}, most)
        except TimeoutError:
            return Fetched(0, why=f"took longer than {SECONDS:g} s")
        except (httpx.HTTPError, httpx.InvalidURL, UnicodeError) as error:
            return Fetched(0, why=f"{type(error).__name__}: {error}".rstrip(": "))
        finally:
            self._next = time.monotonic() + self.delay

    async def _read(self, url: str, headers: dict[str, str], most: int) -> Fetched:
        async with self._client.stream("GET", url, headers=headers) as response:
            said = {name.lower(): value for name, value in response.headers.items()}
            data = bytearray()
            async for chunk in response.aiter_bytes():
                data += chunk
                self.taken += len(chunk)
                if len(data) > most:
                    return Fetched(response.status_code, said, why=f"larger than {most:,} bytes")
            return Fetched(response.status_code, said, bytes(data))


class _Guarded(httpx.AsyncBaseTransport):
    """Looks a name up itself, judges every address it has, and connects to the first: a name that is looked up twice
    may lead elsewhere the second time."""

    def __init__(self, private: bool) -> None:
        self._private = private
        self._inner = httpx.AsyncHTTPTransport()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        host = request.url.host
        addresses = await _addresses(host, request.url.port or (443 if request.url.scheme == "https" else 80))
        if not self._private and not all(map(is_public, addresses)):
            raise CrawlError(
                f"{host} is an address inside a private network; --private (private = true) lets such be crawled"
            )
        request.url = request.url.copy_with(host=addresses[0])
        request.extensions = {**request.extensions, "sni_hostname": host}
        return await self._inner.handle_async_request(request)

    async def aclose(self) -> None:
        await self._inner.aclose()


async def _addresses(host: str, port: int) -> list[str]:
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise httpx.ConnectError(f"{host} is not known: {error.strerror or error}") from None
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


def is_public(address: str) -> bool:
    """Whether an IP address is one of the open internet, with any IPv4 address that it wraps."""
    found = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(found, ipaddress.IPv6Address):
        wrapped = [found.ipv4_mapped, found.sixtofour, *(found.teredo or ())]
        if found in _NAT64:
            wrapped.append(ipaddress.IPv4Address(int(found) & 0xFFFFFFFF))
        if not all(inner.is_global for inner in wrapped if inner is not None):
            return False
        if found.ipv4_mapped is not None:
            return True
    return found.is_global and not found.is_multicast


_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
