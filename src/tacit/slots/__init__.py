"""Where vectors lie in rotating slots, and how matrices between them become few rotations."""
