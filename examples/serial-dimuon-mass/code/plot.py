"""Draw a histogram: plot.py spectrum.csv > spectrum.svg."""

import pathlib
import sys

WIDTH, HEIGHT = 640, 400

rows = [line.split(",") for line in pathlib.Path(sys.argv[1]).read_text().splitlines()]
most = max(1, *(int(count) for _, count in rows))
print(f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}">')
for at, (centre, count) in enumerate(rows):
    x, step, height = at * WIDTH / len(rows), WIDTH / len(rows), int(count) / most * (HEIGHT - 20)
    print(
        f'<rect x="{x:.1f}" y="{HEIGHT - height:.1f}" width="{step:.1f}" height="{height:.1f}" fill="steelblue">',
        end="",
    )
    print(f"<title>{centre} GeV: {count}</title></rect>")
print("</svg>")
