"""How heads and adapters are learned."""
