cwlVersion: v1.0
class: CommandLineTool
baseCommand: grep
inputs:
  events: {type: File, inputBinding: {position: 2}}
  name: {type: string, inputBinding: {position: 1}}
stdout: selected.txt
outputs:
  selected: stdout
