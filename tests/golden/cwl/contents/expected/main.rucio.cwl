# Compiled by reana-rucio (output format 1) from reana.yaml and main.cwl: edit those and compile them again.
cwlVersion: v1.1
class: Workflow
requirements: {StepInputExpressionRequirement: {}}
inputs: {}
outputs:
  shown: {type: File, outputSource: show/shown}
steps:
  rucio-stage-in:
    run: main.rucio-stage-in.escape.cwl
    in: {}
    out:
      - tag
      - lists
      - receipt
  show:
    run:
      class: CommandLineTool
      baseCommand: echo
      inputs:
        tag: {type: string, inputBinding: {position: 1}}
        list: {type: string, inputBinding: {position: 2}}
      stdout: shown.txt
      outputs: {shown: stdout}
    in:
      tag: {source: rucio-stage-in/tag, valueFrom: $(self.contents)}
      list: {source: rucio-stage-in/lists, valueFrom: "$(self[0].contents)"}
    out: [shown]
