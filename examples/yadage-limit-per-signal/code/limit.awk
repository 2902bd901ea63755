# limit.awk BACKGROUND SIGNAL: the signal strength that is excluded at 95 %, from the most sensitive bin alone.
# A line of either file is a bin: its centre in TeV, and the events expected there.
FNR == NR { background[$1] = $2; next }
$2 > 0 {
    strength = 1.96 * sqrt(background[$1] + 1) / $2
    if (best == "" || strength < best) best = strength
}
END { printf "%.4f\n", best }
