"""`python -m train.worlds --count 600 --out data/worlds`: write procedural scenes as records."""

import argparse
from pathlib import Path

from .write import write_records


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m train.worlds", description=__doc__)
    parser.add_argument("--count", type=int, default=100, help="how many scenes")
    parser.add_argument("--out", type=Path, required=True, help="folder to write to; a partial run is continued")
    parser.add_argument("--first-seed", type=int, default=0, help="scene numbers start here")
    parser.add_argument("--workers", type=int, default=1, help="processes; with more than one, one thread each")
    parser.add_argument("--batch", type=int, default=16, help="scenes drawn at once")
    options = parser.parse_args()
    path = write_records(options.out, options.count, options.first_seed, options.batch, workers=options.workers)
    print(path)


if __name__ == "__main__":
    main()
