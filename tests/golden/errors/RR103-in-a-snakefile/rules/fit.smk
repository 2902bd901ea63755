rule fit:
    input: rucio(escape, user.jdoe, a.root)
    output: "fit.json"
    shell: "sh fit.sh {input} > {output}"
