cwlVersion: v1.1
class: Workflow
requirements:
- class: ScatterFeatureRequirement
- class: MultipleInputFeatureRequirement
- class: SubworkflowFeatureRequirement
inputs:
- id: samples
  type: File[]
- id: more
  type: {type: array, items: File}
- id: run
  type: Directory
- id: pair
  type:
    type: record
    fields:
      signal: File
      weight: float
      tags: string[]
outputs:
- id: counts
  type: File[]
  outputSource: count/lines
- id: given
  type: File[]
  outputSource: [samples, more]
  linkMerge: merge_flattened
steps:
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
    source: samples
  out: [lines]
- id: merge
  run: merge.cwl
  in:
  - id: files
    source: [samples, more]
    linkMerge: merge_flattened
  - {id: run, source: run}
  - {id: pair, source: pair}
  out:
  - id: merged
