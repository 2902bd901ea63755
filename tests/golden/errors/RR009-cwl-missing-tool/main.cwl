cwlVersion: v1.0
class: Workflow
inputs: {data: File}
outputs: {}
steps:
  show:
    run: no-such.cwl
    in: {data: data}
    out: []
