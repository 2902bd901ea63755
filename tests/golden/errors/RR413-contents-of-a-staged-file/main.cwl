cwlVersion: v1.1
class: Workflow
inputs: {data: {type: File, loadContents: true}}
outputs: {}
steps:
  show:
    run: {class: CommandLineTool, baseCommand: ls, inputs: {data: Any}, outputs: []}
    in: {data: data}
    out: []
