cwlVersion: v1.0
class: Workflow
inputs: {data: File}
outputs: []
steps:
  fit: {run: tools/fit.cwl, in: {data: data}, out: []}
