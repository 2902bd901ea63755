cwlVersion: v1.0
class: Workflow
inputs:
outputs: []
steps:
  show:
    run: {class: CommandLineTool, baseCommand: ls, inputs: [], outputs: []}
    in:
    out: []
