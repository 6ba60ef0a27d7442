"""Streets, squares and greens, and what stands there."""
