"""The text of a ``metadata.json``, whatever hand wrote it: where its entries stand, and what can be read of it."""
