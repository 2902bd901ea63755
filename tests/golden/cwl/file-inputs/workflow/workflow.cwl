#!/usr/bin/env cwl-runner

# Selects, then fits.
cwlVersion: v1.0
class: Workflow

inputs:
  script: File
  events: File          # the skim of 2022
  calibration:
    type: File
    format: http://edamontology.org/format_3621
  bins: int

outputs:
  plot:
    type: File
    outputSource: fit/plot
  calibration_used:
    type: File
    outputSource: calibration

steps:
  select:
    run: select.cwl
    in:
      events: events
      # the name is for the log
      name: {source: events, valueFrom: $(self.basename)}
    out: [selected]
  fit:
    hints:
      reana:
        kubernetes_memory_limit: '256Mi'
    run: fit.cwl
    in:
      script: script
      selected: select/selected
      calibration: {source: calibration}
      bins: bins
    out: [plot]

requirements:
  StepInputExpressionRequirement: {}

$namespaces:
  reana: https://www.reana.io
