EVENTS = "data/events.txt"

rule inside:
    output: "module.txt"
    params: EVENTS
    shell: "cp {params} {output}"
