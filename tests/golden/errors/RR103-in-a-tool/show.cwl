cwlVersion: v1.2
class: CommandLineTool
baseCommand: cat
inputs:
  events: {type: File, inputBinding: {}}
  other: {type: File, inputBinding: {}, default: {class: File, location: "rucio(escape, user.jdoe, b.root)"}}
outputs: []
