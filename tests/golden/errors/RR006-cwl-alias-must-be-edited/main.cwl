cwlVersion: v1.0
class: Workflow
outputs: &none {}
inputs: {data: File}
steps:
  show:
    run: {class: CommandLineTool, baseCommand: ls, inputs: {data: {type: File, default: {class: File, path: data/a.root}}}, outputs: []}
    in: *none
    out: []
