"""One thread: tiny models gain nothing from a second one, and on a busy machine waiting for it costs minutes."""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before anything imports torch
