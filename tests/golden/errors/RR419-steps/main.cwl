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
    in: {data: data, bnis: bins}
    out: [plto]
  fit:
    run: tool.cwl
    scatter: dat
    in: {data: skim/plot, bins: bins}
    out: [plot]
