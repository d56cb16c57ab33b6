"""Damage label files of every format and read them: `python -m benchmarks.fuzz_importers --count 20000`.

Each draw mutates one file of a small sound source (bytes flipped, cut, inserted; JSON nodes replaced, moved, removed).
It has to be refused with a reason or read into a data set that breaks no rule; anything else ends the run with the
format, the draw and the seed that show it. A crash of the interpreter ends it too: the last line names the format.
"""

from __future__ import annotations

import argparse
import faulthandler
import sys
import tempfile
import time
import warnings
from pathlib import Path

from segwise.dataset.formats.table import FORMATS
from tests.dataset.formats import fuzz


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=20_000, help="files in all (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="another seed draws other damage (default: %(default)s)")
    parser.add_argument("--formats", nargs="+", default=list(FORMATS), choices=list(FORMATS))
    values = parser.parse_args()
    faulthandler.enable()
    warnings.simplefilter("error")
    each = -(-values.count // len(values.formats))
    for name in values.formats:
        print(f"{name}: {each} damaged files …", end=" ", flush=True)
        start = time.perf_counter()
        with tempfile.TemporaryDirectory() as folder:
            outcomes = fuzz.run(Path(folder), name, each, values.seed)
        print(f"{outcomes['refused']} refused, {outcomes['read']} read soundly, {time.perf_counter() - start:.1f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
