# Lines of pt, eta, phi of two muons in GeV, after a file {"scale": x}: counts in bins of the invariant mass, 60-120 GeV.
function cosh(x) { return (exp(x) + exp(-x)) / 2 }
/scale/ { gsub(/[^0-9.]/, ""); scale = $0; next }
{
    mass = scale * sqrt(2 * $1 * $4 * (cosh($2 - $5) - cos($3 - $6)))
    if (mass >= 60 && mass < 120) counts[int((mass - 60) / 60 * bins)]++
}
END { for (bin = 0; bin < bins; bin++) printf "%.3f,%d\n", 60 + (bin + 0.5) * 60 / bins, counts[bin] }
