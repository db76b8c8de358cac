"""The shop as a web service.

GET /          a page for people
GET /version   which release this is
GET /health    whether it works
GET /products  the catalogue
POST /basket   what a basket costs: {"items": {"mug": 2}, "voucher": "WELCOME10"}
"""

import argparse
import dataclasses
import html
import json
import logging
import signal
import socketserver
import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Optional

from shop import basket, catalog, release

LOG = logging.getLogger("shop")
LARGEST_BODY = 64 * 1024
PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Shop {version}</title>
<h1>Shop</h1>
<p>Version <strong>{version}</strong>, commit {commit}.</p>
<ul>{products}</ul>
"""


class Shop(ThreadingHTTPServer):
    """The listening server. It knows which release it serves."""

    def __init__(self, host: str, port: int, serving: release.Release) -> None:
        self.serving = serving
        super().__init__((host, port), Handler)

    def server_bind(self) -> None:
        """Bind without looking up the host's name: that takes seconds where no name server answers."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), self.server_address[1]


class Handler(BaseHTTPRequestHandler):
    """Answers one connection's requests."""

    server: Shop
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body leave in one piece
    timeout = 30

    def do_GET(self) -> None:
        """Look up what lives at the path."""
        answers = {"/": self.page, "/version": self.version, "/health": self.health, "/products": self.products}
        answer = answers.get(self.path.partition("?")[0])
        if answer is None:
            self.refuse(HTTPStatus.NOT_FOUND, f"There is nothing at {self.path}.")
        else:
            answer()

    def do_POST(self) -> None:
        """Price a basket."""
        body = self.body()
        if body is None:
            return
        if self.path != "/basket":
            self.refuse(HTTPStatus.NOT_FOUND, f"Nothing can be posted to {self.path}.")
            return
        try:
            bill = basket.price(*basket.read(json.loads(body)))
        except basket.BadBasket as error:
            self.refuse(HTTPStatus.BAD_REQUEST, str(error))
        except (ValueError, RecursionError):
            self.refuse(HTTPStatus.BAD_REQUEST, "The basket isn't valid JSON.")
        else:
            self.answer_json({**dataclasses.asdict(bill), "total": bill.total})

    def body(self) -> Optional[bytes]:
        """What the customer sent; None if that was refused."""
        size = self.headers.get("Content-Length", "")
        if size.isdecimal() and int(size) <= LARGEST_BODY:
            return self.rfile.read(int(size))
        self.close_connection = True  # the body stays unread
        status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE if size else HTTPStatus.LENGTH_REQUIRED
        self.refuse(status, f"Send a Content-Length of at most {LARGEST_BODY} bytes.")
        return None

    def page(self) -> None:
        """The page for people."""
        serving = self.server.serving
        products = "".join(f"<li>{html.escape(p.name)}: {p.price / 100:.2f}</li>" for p in catalog.PRODUCTS.values())
        text = PAGE.format(
            version=html.escape(serving.version), commit=html.escape(serving.commit[:7]), products=products
        )
        self.answer(HTTPStatus.OK, "text/html; charset=utf-8", text.encode())

    def version(self) -> None:
        """Which release this is."""
        self.answer_json(dataclasses.asdict(self.server.serving))

    def health(self) -> None:
        """Whether the shop works: it does if it can price what it sells."""
        basket.price(dict.fromkeys(catalog.PRODUCTS, 1))
        self.answer_json({"status": "ok"})

    def products(self) -> None:
        """The catalogue."""
        self.answer_json([dataclasses.asdict(product) for product in catalog.PRODUCTS.values()])

    def refuse(self, status: HTTPStatus, reason: str) -> None:
        """Say what is wrong with the request."""
        self.answer_json({"error": reason}, status)

    def answer_json(self, content: object, status: HTTPStatus = HTTPStatus.OK) -> None:
        """Send `content` as JSON."""
        self.answer(status, "application/json", json.dumps(content).encode() + b"\n")

    def answer(self, status: HTTPStatus, content_type: str, body: bytes) -> None:
        """Send one answer."""
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Write to the log instead of straight to the terminal."""
        LOG.info("%s %s", self.address_string(), format % args)


def main() -> None:
    """Serve until told to stop (SIGTERM, or Ctrl-C)."""
    parser = argparse.ArgumentParser(description="Serve the shop.")
    parser.add_argument("--host", default="127.0.0.1", help="the address to listen on")
    parser.add_argument("--port", default=8080, type=int)
    parser.add_argument("--home", default=Path.cwd(), type=Path, help="the folder that holds VERSION")
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    serving = release.read(options.home)
    with Shop(options.host, options.port, serving) as server:
        # shutdown() waits for the loop below to end, so it must not run on this thread
        signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
        LOG.info("shop %s listens on http://%s:%s", serving.version, options.host, options.port)
        try:
            server.serve_forever(poll_interval=0.1)
        except KeyboardInterrupt:
            pass
    LOG.info("shop %s has stopped", serving.version)


if __name__ == "__main__":
    main()
