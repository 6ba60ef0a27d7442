"""Procedural indoor and outdoor scenes with exact geometry and question-answer pairs."""
