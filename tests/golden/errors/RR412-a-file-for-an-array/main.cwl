cwlVersion: v1.0
class: Workflow
inputs:
  data: File[]
  more: {type: {type: array, items: File}}
  either: [File, 'File[]']
  perhaps: File[]?
outputs: {}
steps:
  show:
    run: {class: CommandLineTool, baseCommand: ls, inputs: {data: Any, more: Any, either: Any, perhaps: Any}, outputs: []}
    in: {data: data, more: more, either: either, perhaps: perhaps}
    out: []
