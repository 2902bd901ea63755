# Compiled by reana-rucio (output format 1) from reana.yaml and main.cwl: edit those and compile them again.
cwlVersion: v1.0
class: Workflow
requirements: {InlineJavascriptRequirement: {}}
inputs: {file: File}
outputs: []
steps:
  rucio-stage-in:
    run: main.rucio-stage-in.escape.cwl
    in: {}
    out:
      - dir
      - receipt
  show:
    run: {class: CommandLineTool, baseCommand: ls, inputs: {file: File, dir: Directory}, outputs: []}
    in: {file: file, dir: rucio-stage-in/dir}
    out: []
