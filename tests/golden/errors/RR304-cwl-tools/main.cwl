cwlVersion: v1.0
class: Workflow
inputs: {data: File}
outputs: []
steps:
  fit: {run: fit.cwl, in: {data: data}, out: []}
