cwlVersion: v1.0
class: CommandLineTool
baseCommand: wc
inputs:
  file: {type: File, inputBinding: {}}
  other:
    type: File?
    default: {class: File, location: ../data/d.root}
outputs: []
