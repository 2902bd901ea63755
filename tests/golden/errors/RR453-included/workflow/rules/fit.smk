rule fit:
    output: "fit.txt"
    shell: "fit > {output}"
