# Compiled by reana-rucio (output format 1) from reana.yaml and main.cwl: edit those and compile them again.
cwlVersion: v1.1
class: Workflow
requirements:
- class: ScatterFeatureRequirement
- class: MultipleInputFeatureRequirement
- class: SubworkflowFeatureRequirement
inputs:
- id: rucio_stage_samples_1
  type: File
- id: rucio_stage_program
  type: File
outputs:
- id: counts
  type: File[]
  outputSource: count/lines
- id: given
  type: File[]
  outputSource: [rucio-stage-in-escape-1/samples, rucio-stage-in-escape-1/more]
  linkMerge: merge_flattened
steps:
- id: rucio-stage-in-cms
  run: main.rucio-stage-in.cms.cwl
  in:
    rucio_stage_program: rucio_stage_program
  out:
    - samples_2
    - receipt
- id: rucio-stage-in-escape-1
  run: main.rucio-stage-in.escape.1.cwl
  in:
    rucio_stage_program: rucio_stage_program
    rucio_stage_in_cms_samples_2: rucio-stage-in-cms/samples_2
    rucio_stage_samples_1: rucio_stage_samples_1
  out:
    - samples
    - more
    - pair
    - receipt
- id: rucio-stage-in-escape-2
  run: main.rucio-stage-in.escape.2.cwl
  in:
    rucio_stage_program: rucio_stage_program
  out:
    - run
    - receipt
- id: count
  scatter: file
  run:
    class: Workflow
    inputs:
    - {id: file, type: File}
    outputs:
    - {id: lines, type: File, outputSource: wc/lines}
    steps:
    - id: wc
      run: wc.cwl
      in:
      - {id: file, source: file}
      out: [lines]
  in:
  - id: file
    source: rucio-stage-in-escape-1/samples
  out: [lines]
- id: merge
  run: merge.cwl
  in:
  - id: files
    source: [rucio-stage-in-escape-1/samples, rucio-stage-in-escape-1/more]
    linkMerge: merge_flattened
  - {id: run, source: rucio-stage-in-escape-2/run}
  - {id: pair, source: rucio-stage-in-escape-1/pair}
  out:
  - id: merged
