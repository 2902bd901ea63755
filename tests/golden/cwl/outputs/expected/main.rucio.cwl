# Compiled by reana-rucio (output format 1) from reana.yaml and main.cwl: edit those and compile them again.
cwlVersion: v1.0
class: Workflow
requirements: {SubworkflowFeatureRequirement: {}, ScatterFeatureRequirement: {}}
inputs:
  plot: string
  parts: {type: "string[]", default: [a, b]}
  rucio_stage_program: File
outputs:
  mass: {type: File, outputSource: fit/mass}
  log: {type: File, outputSource: fit/log}
  report: {type: File, outputSource: fit/report}
  table: {type: File, outputSource: fit/table}
  ntuples: {type: "File[]", outputSource: skim/ntuple}
steps:
  rucio-stage-check:
    run: main.rucio-stage-check.cms.cwl
    in:
      rucio_stage_program: rucio_stage_program
    out:
      - receipt
  rucio-stage-in:
    run: main.rucio-stage-in.escape.cwl
    in:
      rucio_stage_program: rucio_stage_program
    out:
      - events
      - receipt
  skim:
    run: skim.cwl
    scatter: part
    in: {events: rucio-stage-in/events, part: parts, rucio_stage_check: "rucio-stage-check/receipt"}
    out: [ntuple]
  fit:
    run: fit-all.cwl
    in: {plot: plot, events: rucio-stage-in/events, table: {default: table.csv}, rucio_stage_check: "rucio-stage-check/receipt"}
    out: [mass, log, report, table]
  rucio-stage-out-cms:
    run: main.rucio-stage-out.cms.cwl
    in:
      rucio_stage_program: rucio_stage_program
      log: fit/log
      rucio_after_1: fit/mass
      rucio_after_2: skim/ntuple
      rucio_after_3: fit/report
    out:
      - receipt
  rucio-stage-out-escape:
    run: main.rucio-stage-out.escape.cwl
    in:
      rucio_stage_program: rucio_stage_program
      mass: fit/mass
      ntuples: skim/ntuple
      report: fit/report
      rucio_after_1: fit/log
    out:
      - receipt
