# Tables of mass and count: the sum of the counts for each mass.
!($1 in counts) { masses[++n] = $1 }
{ counts[$1] += $2 }
END { for (at = 1; at <= n; at++) print masses[at] "," counts[masses[at]] }
