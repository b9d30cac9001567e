"""How a graph becomes words of bits."""
