#!/usr/bin/env cwl-runner
# Compiled by reana-rucio (output format 1) from reana.yaml and workflow.cwl: edit those and compile them again.

# Selects, then fits.
cwlVersion: v1.0
class: Workflow

inputs:
  script: File
  bins: int
  rucio_stage_program: File

outputs:
  plot:
    type: File
    outputSource: fit/plot
  calibration_used:
    type: File
    outputSource: rucio-stage-in-escape-1/calibration

steps:
  rucio-stage-in-escape-1:
    run: workflow.rucio-stage-in.escape.1.cwl
    in:
      rucio_stage_program: rucio_stage_program
    out:
      - calibration
      - receipt
  rucio-stage-in-escape-2:
    run: workflow.rucio-stage-in.escape.2.cwl
    in:
      rucio_stage_program: rucio_stage_program
    out:
      - events
      - receipt
  select:
    run: select.cwl
    in:
      events: rucio-stage-in-escape-2/events
      # the name is for the log
      name: {source: rucio-stage-in-escape-2/events, valueFrom: $(self.basename)}
    out: [selected]
  fit:
    hints:
      reana:
        kubernetes_memory_limit: '256Mi'
    run: fit.cwl
    in:
      script: script
      selected: select/selected
      calibration: {source: rucio-stage-in-escape-1/calibration}
      bins: bins
    out: [plot]

requirements:
  StepInputExpressionRequirement: {}

$namespaces:
  reana: https://www.reana.io
