cwlVersion: v1.2
class: CommandLineTool
baseCommand: [fit, "-n"]
inputs:
  bins: {type: int, inputBinding: {position: 1}}
  data: {type: File, inputBinding: {position: 2}}
outputs:
  plot: {type: File, outputBinding: {glob: plot.png}}
