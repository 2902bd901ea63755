cwlVersion: v2.0
class: Workflow
inputs: {data: File}
outputs: {}
steps:
  show:
    run: {class: CommandLineTool, baseCommand: ls, inputs: {data: Any}, outputs: []}
    in: {data: data}
    out: []
