include: "constants.smk"

rule plot:
    input: EVENTS
    output: "plot.txt"
    shell: "cp {input} {output}"
