"""Freivalds' check of a worker's products, together with all that is computed on them."""
