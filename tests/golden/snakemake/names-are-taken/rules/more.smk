rule rucio_stage_in_escape:
    output: "more.txt"
    shell: "touch {output}"
