"""What the program costs, measured: `python -m bench` prints the tables of docs/speed.md.

Every module of `TABLES` in `__main__.py` builds its inputs in a temporary directory and has one function,
`table(rounds) -> Table`. Processes are measured as a whole, as the system accounts for them, in turn, round by round;
a figure is the median of what the rounds say, a ratio the median of the rounds' ratios. Nothing here is a test.
"""
