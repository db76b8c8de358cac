"""The web service, asked over HTTP."""

import http.client
import json
import unittest

from tests import service


class ServerTest(unittest.TestCase):
    def setUp(self) -> None:
        running = service.running()
        shop = running.__enter__()
        self.addCleanup(running.__exit__, None, None, None)
        self.connection = http.client.HTTPConnection("127.0.0.1", shop.server_port, timeout=10)
        self.addCleanup(self.connection.close)

    def ask(self, method: str, path: str, body: str = "") -> tuple[int, str]:
        """Status and text of the answer."""
        self.connection.request(method, path, body or None)
        with self.connection.getresponse() as answer:
            return answer.status, answer.read().decode()

    def test_the_page_shows_version_and_products(self) -> None:
        status, page = self.ask("GET", "/")
        self.assertEqual(status, 200)
        self.assertIn("<strong>1.2.3</strong>, commit 0123456.", page)
        self.assertIn("Reading lamp: 49.00", page)

    def test_the_version_is_that_of_the_release(self) -> None:
        status, text = self.ask("GET", "/version")
        self.assertEqual((status, json.loads(text)), (200, {"version": "1.2.3", "commit": "0123456789abcdef"}))

    def test_health_is_ok(self) -> None:
        status, text = self.ask("GET", "/health")
        self.assertEqual((status, json.loads(text)), (200, {"status": "ok"}))

    def test_the_catalogue_is_listed(self) -> None:
        _, text = self.ask("GET", "/products")
        self.assertIn({"id": "pen", "name": "Pen that writes uphill", "price": 395}, json.loads(text))

    def test_a_basket_is_priced(self) -> None:
        status, text = self.ask("POST", "/basket", '{"items": {"mug": 2}, "voucher": "WELCOME10"}')
        self.assertEqual(status, 200)
        self.assertEqual(json.loads(text), {"goods": 2500, "discount": 250, "shipping": 490, "total": 2740})

    def test_what_is_wrong_is_refused_with_a_reason(self) -> None:
        cases = [
            ("GET", "/nowhere", "", 404, "nothing at /nowhere"),
            ("POST", "/nowhere", "{}", 404, "Nothing can be posted"),
            ("POST", "/basket", '{"items": {"unicorn": 1}}', 400, "no product 'unicorn'"),
            ("POST", "/basket", "{", 400, "valid JSON"),
            ("POST", "/basket", "[" * 10_000, 400, "valid JSON"),
            ("POST", "/basket", " " * 70_000, 413, "at most 65536"),
        ]
        for method, path, body, expected, reason in cases:
            with self.subTest(reason):
                status, text = self.ask(method, path, body)
                self.assertEqual(status, expected)
                self.assertIn(reason, json.loads(text)["error"])
