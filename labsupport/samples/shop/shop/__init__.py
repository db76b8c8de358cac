"""A small shop: a catalogue, a basket with prices, and a web service around them."""
