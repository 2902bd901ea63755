cwlVersion: v1.1
class: CommandLineTool
baseCommand: [wc, -l]
inputs:
  file: {type: File, inputBinding: {}}
stdout: lines.txt
outputs:
  lines: stdout
