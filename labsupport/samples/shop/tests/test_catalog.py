"""What the shop sells."""

import unittest

from shop import catalog


class CatalogTest(unittest.TestCase):
    def test_every_product_is_found_by_its_id(self) -> None:
        for product in catalog.PRODUCTS.values():
            with self.subTest(product.id):
                self.assertIs(catalog.find(product.id), product)

    def test_every_product_has_a_name_and_a_price(self) -> None:
        for product in catalog.PRODUCTS.values():
            with self.subTest(product.id):
                self.assertTrue(product.name)
                self.assertGreater(product.price, 0)

    def test_an_unknown_product_is_named(self) -> None:
        with self.assertRaisesRegex(KeyError, "There is no product 'unicorn'"):
            catalog.find("unicorn")
