"""How a graph of reals becomes words of the field, a kind of node after the other."""
