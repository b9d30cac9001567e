"""Trained networks get their accuracy back after their activations became polynomials."""
