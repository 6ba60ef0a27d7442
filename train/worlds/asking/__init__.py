"""Questions about a drawn scene, with answers from what is visible, and what a guesser would score."""
