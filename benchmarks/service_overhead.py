"""What the service adds to the Predictor: the same image, in turn, over HTTP and called directly.

    make serve &                                 # in another terminal
    python benchmarks/service_overhead.py data/images/03398329ced0.png

Prints p50 and p95 of both, their difference and their ratio, in milliseconds; interleaved, so that a busy machine
slows both.
"""

from __future__ import annotations

import argparse
import platform
import time
from pathlib import Path

import httpx
import numpy as np

from segwise.bundle import MODEL
from segwise.dataset.images import decode_image
from segwise.predict.predictor import Predictor
from segwise.store import champion


def main() -> None:
    """Time both and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("image", type=Path)
    parser.add_argument("--url", default="http://127.0.0.1:3000/predict")
    parser.add_argument("--runs", type=int, default=100)
    arguments = parser.parse_args()
    data = arguments.image.read_bytes()
    predictor = Predictor.load(champion()[0] / MODEL, threads=1)
    image = decode_image(data, max_pixels=10**8)

    def direct() -> None:
        predictor.predict(image)

    with httpx.Client(timeout=60) as client:

        def over_http() -> None:
            client.post(arguments.url, files={"image": data}).raise_for_status()

        times: dict[str, list[float]] = {"predictor": [], "service": []}
        for run in range(arguments.runs + 5):
            for name, call in (("predictor", direct), ("service", over_http)):
                start = time.perf_counter()
                call()
                if run >= 5:  # the first calls warm up
                    times[name].append(1000 * (time.perf_counter() - start))
    print(f"{platform.machine()}, {image.shape[1]} x {image.shape[0]} px, one thread, {arguments.runs} runs in turn")
    middle = {name: np.percentile(values, [50, 95]) for name, values in times.items()}
    for name, (p50, p95) in middle.items():
        print(f"{name:10} p50 {p50:7.1f} ms   p95 {p95:7.1f} ms")
    added, ratio = middle["service"][0] - middle["predictor"][0], middle["service"][0] / middle["predictor"][0]
    print(f"added at p50: {added:.1f} ms, ratio {ratio:.2f}")


if __name__ == "__main__":
    main()
