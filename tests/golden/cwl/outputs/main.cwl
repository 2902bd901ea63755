cwlVersion: v1.0
class: Workflow
requirements: {SubworkflowFeatureRequirement: {}, ScatterFeatureRequirement: {}}
inputs:
  events: File
  plot: string
  parts: {type: "string[]", default: [a, b]}
outputs:
  mass: {type: File, outputSource: fit/mass}
  log: {type: File, outputSource: fit/log}
  report: {type: File, outputSource: fit/report}
  table: {type: File, outputSource: fit/table}
  ntuples: {type: "File[]", outputSource: skim/ntuple}
steps:
  skim:
    run: skim.cwl
    scatter: part
    in: {events: events, part: parts}
    out: [ntuple]
  fit:
    run: fit-all.cwl
    in: {plot: plot, events: events, table: {default: table.csv}}
    out: [mass, log, report, table]
