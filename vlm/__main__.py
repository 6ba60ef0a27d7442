"""`python3 -m vlm` is the `fathom` command, from the root of a checkout that is not installed."""

from vlm.cli import main

if __name__ == "__main__":
    main()
