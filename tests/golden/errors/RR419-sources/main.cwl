cwlVersion: v1.2
class: Workflow
requirements:
  ScatterFeatureRequirement: {}
inputs:
  data: File
  bins: int
outputs:
  plot: {type: File, outputSource: fitt/plot}
steps:
  skim:
    run: tool.cwl
    in: {data: dat, bins: bins}
    out: [plot]
  fit:
    run: tool.cwl
    in: {data: skim/polt, bins: bins}
    out: [plot]
