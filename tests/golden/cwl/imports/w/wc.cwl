cwlVersion: v1.0
class: CommandLineTool
baseCommand: wc
inputs:
  file: {type: File, inputBinding: {}}
outputs: []
