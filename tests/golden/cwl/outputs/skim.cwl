cwlVersion: v1.0
class: CommandLineTool
baseCommand: cp
inputs:
  events: {type: File, inputBinding: {position: 1}}
  part: {type: string, inputBinding: {position: 2}}
outputs:
  ntuple: {type: File, outputBinding: {glob: $(inputs.part)}}
