#!/usr/bin/env cwl-runner
cwlVersion: v1.0
class: Workflow

requirements:
  ScatterFeatureRequirement: {}

inputs:
  events: File[]          # one job for each
  calibration: File
  spectrum_code: File
  sum_code: File
  bins: int

outputs:
  spectrum:
    type: File
    outputSource: add/spectrum

steps:
  measure:
    run: awk.cwl
    scatter: events
    in:
      code: spectrum_code
      calibration: calibration
      events: events
      bins: bins
    out: [table]
  add:
    run: add.cwl
    in:
      code: sum_code
      tables: measure/table
    out: [spectrum]
