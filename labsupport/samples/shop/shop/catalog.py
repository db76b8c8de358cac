"""What the shop sells."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Product:
    """One thing for sale. The price is in cents, so that sums are exact."""

    id: str
    name: str
    price: int


PRODUCTS = {
    product.id: product
    for product in (
        Product("mug", "Mug with a handle on the left", 1250),
        Product("pen", "Pen that writes uphill", 395),
        Product("notebook", "Notebook, dotted, 120 pages", 1490),
        Product("lamp", "Reading lamp", 4900),
        Product("stickers", "Stickers, one sheet", 250),
        Product("backpack", "Backpack, 20 litres", 6450),
    )
}


def find(product_id: str) -> Product:
    """The product of that id; KeyError with a sentence for the customer if there is none."""
    try:
        return PRODUCTS[product_id]
    except KeyError:
        raise KeyError(f"There is no product {product_id!r}. GET /products lists them.") from None
