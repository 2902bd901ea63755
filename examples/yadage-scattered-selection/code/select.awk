# A line of an input is an event: run,pt1,charge1,pt2,charge2 in GeV. Keeps two electrons of opposite charge.
BEGIN { FS = "," }
$2 >= minimum && $4 >= minimum && $3 * $5 < 0
