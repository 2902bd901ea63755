# A weighted least-squares line: awk -f fit.awk resolution.csv drift-times.csv
# resolution.csv: wire,sigma      drift-times.csv: wire,distance,time
BEGIN { FS = "," }
FNR == NR { sigma[$1] = $2; next }
{
    w = 1 / (sigma[$1] * sigma[$1])
    s += w; sx += w * $2; sy += w * $3; sxx += w * $2 * $2; sxy += w * $2 * $3
}
END {
    d = s * sxx - sx * sx
    printf "velocity %.6f +- %.6f\n", (s * sxy - sx * sy) / d, sqrt(s / d)
    printf "offset %.6f +- %.6f\n", (sxx * sy - sx * sxy) / d, sqrt(sxx / d)
}
