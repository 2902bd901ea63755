# Compiled by reana-rucio (output format 1) from reana.yaml and main.cwl: edit those and compile them again.
cwlVersion: v1.0
class: Workflow
inputs: []
outputs: []
steps:
  rucio-stage-in:
    run: main.rucio-stage-in.escape.cwl
    in: {}
    out:
      - receipt
  first:
    run: {class: CommandLineTool, baseCommand: [ls, ../../../data], inputs: [], outputs: {found: stdout}}
    in: [{"id": "rucio_stage_in", "source": "rucio-stage-in/receipt"}]
    out: [found]
  second:
    run: {class: CommandLineTool, baseCommand: cat, inputs: {found: {type: File, inputBinding: {}}}, outputs: []}
    in: {found: first/found}
    out: []
