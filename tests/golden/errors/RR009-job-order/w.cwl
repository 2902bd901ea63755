cwlVersion: v1.0
class: Workflow
inputs: []
outputs: []
steps: []
