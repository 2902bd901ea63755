cwlVersion: v1.0
class: Workflow
inputs: {$import: inputs.yml}
outputs: []
steps:
- $import: steps/count.yml
