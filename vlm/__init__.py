"""What a user calls: the model, its input, its answers."""
