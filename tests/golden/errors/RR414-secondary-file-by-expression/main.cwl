cwlVersion: v1.0
class: Workflow
inputs: {data: {type: File, secondaryFiles: ["$(inputs.name).idx"]}}
outputs: {}
steps:
  show:
    run: {class: CommandLineTool, baseCommand: ls, inputs: {data: Any}, outputs: []}
    in: {data: data}
    out: []
