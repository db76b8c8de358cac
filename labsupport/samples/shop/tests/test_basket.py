"""What a basket costs, by example."""

import unittest

from shop import basket


class PriceTest(unittest.TestCase):
    def test_an_empty_basket_costs_nothing(self) -> None:
        self.assertEqual(basket.price({}).total, 0)

    def test_goods_and_shipping_are_added_up(self) -> None:
        bill = basket.price({"mug": 2, "pen": 1})
        self.assertEqual(bill, basket.Bill(goods=2895, discount=0, shipping=490))
        self.assertEqual(bill.total, 3385)

    def test_a_voucher_takes_its_percentage_off_the_goods(self) -> None:
        bill = basket.price({"lamp": 1}, voucher="WELCOME10")
        self.assertEqual(bill, basket.Bill(goods=4900, discount=490, shipping=490))

    def test_a_discount_is_rounded_down_to_whole_cents(self) -> None:
        self.assertEqual(basket.discount_for(395, "SUMMER25"), 98)

    def test_the_voucher_counts_before_shipping_becomes_free(self) -> None:
        self.assertEqual(basket.price({"lamp": 1, "stickers": 1}, voucher="WELCOME10").shipping, basket.SHIPPING)


class ShippingTest(unittest.TestCase):
    def test_shipping_is_free_from_50_on(self) -> None:
        self.assertEqual(basket.shipping_for(5000), 0, "an order of exactly 50.00 must ship free of charge")

    def test_shipping_is_charged_just_below_50(self) -> None:
        self.assertEqual(basket.shipping_for(4999), basket.SHIPPING)

    def test_shipping_is_free_above_50(self) -> None:
        self.assertEqual(basket.shipping_for(5001), 0)


class BadBasketTest(unittest.TestCase):
    def test_what_cannot_be_priced_says_why(self) -> None:
        cases = [
            ({"unicorn": 1}, "", "no product 'unicorn'"),
            ({"mug": 0}, "", "from 1 to 99"),
            ({"mug": -1}, "", "from 1 to 99"),
            ({"mug": 100}, "", "from 1 to 99"),
            ({"mug": 1}, "FREE4ALL", "no voucher 'FREE4ALL'"),
        ]
        for items, voucher, reason in cases:
            with self.subTest(reason), self.assertRaisesRegex(basket.BadBasket, reason):
                basket.price(items, voucher)

    def test_what_is_no_basket_says_what_to_send(self) -> None:
        cases: list[tuple[object, str]] = [
            (None, "Send"),
            ([], "Send"),
            ({}, "Send"),
            ({"items": ["mug"]}, "Send"),
            ({"items": {"mug": "2"}}, "whole number"),
            ({"items": {"mug": True}}, "whole number"),
            ({"items": {"mug": 1.5}}, "whole number"),
            ({"items": {}, "voucher": 10}, "must be a string"),
        ]
        for document, reason in cases:
            with self.subTest(document), self.assertRaisesRegex(basket.BadBasket, reason):
                basket.read(document)
