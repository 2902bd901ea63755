"""Data over the sum of the simulation, bin by bin:  compare.py DATA.csv SIMULATED.csv..."""

import csv
import sys


def read(path):
    with open(path) as stream:
        return {row[0]: float(row[1]) for row in csv.reader(stream)}


data, *simulated = map(read, sys.argv[1:])
print("bin,data,simulation,ratio")
for mass, count in data.items():
    expected = sum(histogram[mass] for histogram in simulated)
    print(f"{mass},{count:g},{expected:.3f},{count / expected:.3f}")
