"""Rooms: their makers of things, their fabric, and how people furnish them."""
