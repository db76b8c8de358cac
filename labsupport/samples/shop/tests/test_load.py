"""Many customers at once: every one gets an answer of their own."""

import http.client
import json
import unittest
from concurrent.futures import ThreadPoolExecutor

from shop import basket
from tests import service

CUSTOMERS = 8
BASKETS_EACH = 60


def shopping(port: int, quantity: int) -> list[int]:
    """The totals that one customer is told, over one connection."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    totals = []
    for _ in range(BASKETS_EACH):
        connection.request("POST", "/basket", json.dumps({"items": {"pen": quantity}}))
        totals.append(json.load(connection.getresponse())["total"])
    connection.close()
    return totals


class LoadTest(unittest.TestCase):
    def test_customers_do_not_get_each_others_answers(self) -> None:
        quantities = range(1, CUSTOMERS + 1)
        with service.running() as shop, ThreadPoolExecutor(CUSTOMERS) as customers:
            told = list(customers.map(lambda quantity: shopping(shop.server_port, quantity), quantities))
        for quantity, totals in zip(quantities, told):
            self.assertEqual(totals, [basket.price({"pen": quantity}).total] * BASKETS_EACH)
