# Compiled by reana-rucio (output format 1) from reana.yaml and main.cwl: edit those and compile them again.
cwlVersion: v1.2
class: Workflow
inputs:
  rucio_stage_reads_1: File
  rucio_stage_local_1: File
outputs: []
steps:
  rucio-stage-in:
    run: main.rucio-stage-in.escape.cwl
    in:
      rucio_stage_reads_1: rucio_stage_reads_1
      rucio_stage_local_1: rucio_stage_local_1
    out:
      - reads
      - local
      - genome
      - receipt
  align:
    run:
      class: CommandLineTool
      baseCommand: ls
      inputs:
        reads: {type: File, secondaryFiles: [^.bai]}
        local: {type: File, secondaryFiles: [^.bai]}
        genome: {type: File, secondaryFiles: [.idx]}
      outputs: []
    in: {reads: rucio-stage-in/reads, local: rucio-stage-in/local, genome: rucio-stage-in/genome}
    out: []
