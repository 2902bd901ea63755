cwlVersion: v1.2
class: Workflow
requirements:
  ScatterFeatureRequirement: {}
inputs:
  data: File
  bins: int
outputs:
  plot: {type: File, outputSource: fit/plot}
steps:
  skim:
    run: tool.cwl
    in: {data: data, bins: bins}
    out: [plot]
  fit:
    run: tool.cwl
    in: {data: skim/plot, bins: bins}
    out: [plot]
