cwlVersion: v1.0
class: Workflow
requirements: {InlineJavascriptRequirement: {}}
inputs: {file: File, dir: Directory}
outputs: []
steps:
  show:
    run: {class: CommandLineTool, baseCommand: ls, inputs: {file: File, dir: Directory}, outputs: []}
    in: {file: file, dir: dir}
    out: []
