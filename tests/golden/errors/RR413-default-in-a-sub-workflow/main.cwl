cwlVersion: v1.0
class: Workflow
requirements: {SubworkflowFeatureRequirement: {}}
inputs: {n: int}
outputs: []
steps:
  inner:
    run: inner.cwl
    in: {n: n}
    out: []
