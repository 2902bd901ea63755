# Compiled by reana-rucio (output format 1) from reana.yaml and main.cwl: edit those and compile them again.
cwlVersion: v1.2
class: Workflow
inputs:
  name: string
  count: int
  rucio_stage_program: File
outputs: []
steps:
  rucio-stage-in-escape-1:
    run: main.rucio-stage-in.escape.1.cwl
    in:
      rucio_stage_program: rucio_stage_program
    out:
      - one
      - all
      - listed
      - some
      - receipt
  rucio-stage-in-escape-2:
    run: main.rucio-stage-in.escape.2.cwl
    in:
      rucio_stage_program: rucio_stage_program
    out:
      - receipt
  show:
    run: show.cwl
    in: {one: rucio-stage-in-escape-1/one, all: rucio-stage-in-escape-1/all, listed: rucio-stage-in-escape-1/listed, some: rucio-stage-in-escape-1/some}
    out: []
  named:
    run: named.cwl
    in: {name: name, count: count, rucio_stage_in_escape_2: "rucio-stage-in-escape-2/receipt"}
    out: []
