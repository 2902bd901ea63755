include: "rules/fit.smk"
