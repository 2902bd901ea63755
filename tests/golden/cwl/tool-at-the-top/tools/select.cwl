cwlVersion: v1.0
class: CommandLineTool
id: select
doc: lines with a pattern
baseCommand: grep
inputs:
  pattern:
    type: string
    inputBinding: {position: 1}
  count:
    type: int
    default: 10
    inputBinding: {position: 2, prefix: -m}
  extra: string?
  events:
    type: File
    inputBinding: {position: 3}
stdout: selected.txt
outputs:
  selected: stdout
  log: stderr
