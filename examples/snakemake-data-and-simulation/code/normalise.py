"""Weight a simulated histogram to a luminosity:  normalise.py LUMINOSITY.json HISTOGRAM.csv

A histogram has a line `bin,count` for each bin and one `cross section,EVENTS,FEMTOBARN`.
"""

import csv
import json
import sys

with open(sys.argv[1]) as stream:
    luminosity = json.load(stream)["inverse femtobarn"]
with open(sys.argv[2]) as stream:
    rows = list(csv.reader(stream))
((events, cross_section),) = ([float(cell) for cell in row[1:]] for row in rows if row[0] == "cross section")
for row in rows:
    if row[0] != "cross section":
        print(f"{row[0]},{float(row[1]) * luminosity * cross_section / events:.3f}")
