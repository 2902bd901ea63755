rule fit:
    input: skim="skim.root" other="b.root"
    output: "fit.json"
    shell: "fit {input} > {output}"
