cwlVersion: v1.0
class: Workflow
inputs: {data: File}
outputs:
  made: {type: File, outputSource: {step: show, output: made}}
hints:
  ResourceRequirement:
steps:
  - show
  - id: list
    in: {data: {source: {id: data}}}
    out: []
