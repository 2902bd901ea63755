cwlVersion: v1.0
class: Workflow
inputs: {$import: again.yml}
outputs: []
steps: []
