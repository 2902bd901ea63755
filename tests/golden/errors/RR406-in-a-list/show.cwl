cwlVersion: v1.2
class: CommandLineTool
baseCommand: ["/bin/bash", "-c", "rucio get user.jdoe:c.root"]
inputs:
  events: {type: File, inputBinding: {}}
outputs: []
