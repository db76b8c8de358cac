"""What a basket costs. All amounts are in cents."""

from collections.abc import Mapping
from dataclasses import dataclass

from shop import catalog

SHIPPING = 490
FREE_SHIPPING_FROM = 5000
MOST_OF_ONE_PRODUCT = 99
VOUCHERS = {"WELCOME10": 10, "SUMMER25": 25}  # percent off the goods


class BadBasket(ValueError):
    """The basket can't be priced; the message tells the customer why."""


@dataclass(frozen=True)
class Bill:
    """What the customer pays, and how it comes about."""

    goods: int
    discount: int
    shipping: int

    @property
    def total(self) -> int:
        """Goods less discount, plus shipping."""
        return self.goods - self.discount + self.shipping


def price(items: Mapping[str, int], voucher: str = "") -> Bill:
    """The bill for `items` (product id -> quantity). A basket without items costs nothing."""
    goods = sum(line_price(product_id, quantity) for product_id, quantity in items.items())
    discount = discount_for(goods, voucher)
    return Bill(goods, discount, shipping_for(goods - discount))


def line_price(product_id: str, quantity: int) -> int:
    """The price of one line of the basket."""
    if not 1 <= quantity <= MOST_OF_ONE_PRODUCT:
        raise BadBasket(f"The quantity of {product_id!r} must be from 1 to {MOST_OF_ONE_PRODUCT}, and is {quantity}.")
    try:
        return catalog.find(product_id).price * quantity
    except KeyError as error:
        raise BadBasket(error.args[0]) from None


def discount_for(goods: int, voucher: str) -> int:
    """What a voucher takes off, in whole cents (rounded down)."""
    if not voucher:
        return 0
    if voucher not in VOUCHERS:
        raise BadBasket(f"There is no voucher {voucher!r}.")
    return goods * VOUCHERS[voucher] // 100


def shipping_for(amount: int) -> int:
    """Shipping is free for an empty basket, and from FREE_SHIPPING_FROM on."""
    if amount == 0 or amount >= FREE_SHIPPING_FROM:
        return 0
    return SHIPPING


def read(document: object) -> tuple[dict[str, int], str]:
    """Items and voucher of a customer's `{"items": {"mug": 2}, "voucher": "WELCOME10"}`."""
    if not isinstance(document, dict) or not isinstance(document.get("items"), dict):
        raise BadBasket('Send {"items": {"mug": 2}}: product ids and quantities.')
    items, voucher = document["items"], document.get("voucher", "")
    for product_id, quantity in items.items():
        if type(quantity) is not int:  # true is an int to Python, and no quantity to anyone else
            raise BadBasket(f"The quantity of {product_id!r} must be a whole number.")
    if not isinstance(voucher, str):
        raise BadBasket("The voucher must be a string.")
    return items, voucher
