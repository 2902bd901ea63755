cwlVersion: v1.0
class: Workflow
inputs: {data: File}
outputs: []
