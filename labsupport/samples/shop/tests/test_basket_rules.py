"""Rules that hold for every basket, tried on many: the same ones in each run, thanks to the seed."""

import random
import unittest
from collections.abc import Iterator

from shop import basket, catalog

HOW_MANY = 15_000


def baskets() -> Iterator[dict[str, int]]:
    """Baskets of up to six products, in any order."""
    dice = random.Random(20)
    for _ in range(HOW_MANY):
        chosen = dice.sample(list(catalog.PRODUCTS), dice.randint(1, len(catalog.PRODUCTS)))
        yield {product: dice.randint(1, 20) for product in chosen}


class EveryBasketTest(unittest.TestCase):
    def test_the_total_is_goods_less_discount_plus_shipping(self) -> None:
        for items in baskets():
            bill = basket.price(items, "WELCOME10")
            self.assertEqual(bill.total, bill.goods - bill.discount + bill.shipping, items)

    def test_the_order_of_the_items_does_not_matter(self) -> None:
        for items in baskets():
            turned = dict(reversed(items.items()))
            self.assertEqual(basket.price(turned), basket.price(items), items)

    def test_goods_cost_the_same_in_one_basket_as_in_two(self) -> None:
        for items in baskets():
            alone = sum(basket.price({product: quantity}).goods for product, quantity in items.items())
            self.assertEqual(basket.price(items).goods, alone, items)

    def test_the_better_voucher_never_costs_more(self) -> None:
        for items in baskets():
            ten, quarter = basket.price(items, "WELCOME10"), basket.price(items, "SUMMER25")
            self.assertLessEqual(quarter.total - quarter.shipping, ten.total - ten.shipping, items)

    def test_what_a_customer_sends_is_what_is_priced(self) -> None:
        for items in baskets():
            self.assertEqual(basket.read({"items": items}), (items, ""))
