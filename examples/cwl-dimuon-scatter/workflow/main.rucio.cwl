#!/usr/bin/env cwl-runner
# Compiled by reana-rucio (output format 1) from reana.yaml and main.cwl: edit those and compile them again.
cwlVersion: v1.0
class: Workflow

requirements:
  ScatterFeatureRequirement: {}

inputs:
  spectrum_code: File
  sum_code: File
  bins: int
  rucio_stage_program: File

outputs:
  spectrum:
    type: File
    outputSource: add/spectrum

steps:
  rucio-stage-in:
    run: main.rucio-stage-in.escape.cwl
    in:
      rucio_stage_program: rucio_stage_program
    out:
      - events
      - calibration
      - receipt
  measure:
    run: awk.cwl
    scatter: events
    in:
      code: spectrum_code
      calibration: rucio-stage-in/calibration
      events: rucio-stage-in/events
      bins: bins
    out: [table]
  add:
    run: add.cwl
    in:
      code: sum_code
      tables: measure/table
    out: [spectrum]
  rucio-stage-out:
    run: main.rucio-stage-out.escape.cwl
    in:
      rucio_stage_program: rucio_stage_program
      spectrum: add/spectrum
    out:
      - receipt
