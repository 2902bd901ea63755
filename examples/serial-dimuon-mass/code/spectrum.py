"""Histogram the invariant mass of muon pairs: spectrum.py CALIBRATION DIRECTORY BINS > spectrum.csv.

A line of each CSV file in the directory is an event: pt1,eta1,phi1,pt2,eta2,phi2 in GeV and radian.
"""

import json
import math
import pathlib
import sys

LOW, HIGH = 60.0, 120.0  # GeV


def mass(pt1, eta1, phi1, pt2, eta2, phi2):
    """The invariant mass of two massless particles in GeV."""
    return math.sqrt(2 * pt1 * pt2 * (math.cosh(eta1 - eta2) - math.cos(phi1 - phi2)))


def main(calibration, directory, bins):
    scale = json.loads(pathlib.Path(calibration).read_text())["scale"]
    counts = [0] * bins
    for path in sorted(pathlib.Path(directory).glob("*.csv")):
        for line in path.read_text().splitlines():
            event = [float(word) for word in line.split(",")]
            event[0], event[3] = event[0] * scale, event[3] * scale
            at = int((mass(*event) - LOW) / (HIGH - LOW) * bins)
            if 0 <= at < bins:
                counts[at] += 1
    for at, count in enumerate(counts):
        print(f"{LOW + (at + 0.5) * (HIGH - LOW) / bins:.3f},{count}")


main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
