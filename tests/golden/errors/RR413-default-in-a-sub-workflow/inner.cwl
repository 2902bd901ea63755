cwlVersion: v1.0
class: Workflow
inputs: {data: {type: File, default: {class: File, location: data/a.root}}}
outputs: {}
steps:
  show:
    run: {class: CommandLineTool, baseCommand: ls, inputs: {data: Any}, outputs: []}
    in: {data: data}
    out: []
