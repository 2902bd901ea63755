cwlVersion: v1.2
class: CommandLineTool
baseCommand: ls
inputs:
  name: {type: string, inputBinding: {valueFrom: ../../../$(self)}}
  count: int
outputs: []
