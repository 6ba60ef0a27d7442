"""Scenes -> pictures with exact geometry: rays, light, materials, and the camera's faults."""
