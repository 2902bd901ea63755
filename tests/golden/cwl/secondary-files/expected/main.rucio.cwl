# Compiled by reana-rucio (output format 1) from reana.yaml and main.cwl: edit those and compile them again.
cwlVersion: v1.2
class: Workflow
requirements: {InlineJavascriptRequirement: {}}
inputs:
  rucio_stage_local_1: File
  rucio_stage_reads_1: File
  rucio_stage_program: File
outputs: []
steps:
  rucio-stage-in-escape-1:
    run: main.rucio-stage-in.escape.1.cwl
    in:
      rucio_stage_program: rucio_stage_program
      rucio_stage_local_1: rucio_stage_local_1
    out:
      - local
      - genome
      - receipt
  rucio-stage-in-escape-2:
    run: main.rucio-stage-in.escape.2.cwl
    in:
      rucio_stage_program: rucio_stage_program
      rucio_stage_reads_1: rucio_stage_reads_1
    out:
      - reads
      - named
      - pairs
      - receipt
  align:
    run:
      class: CommandLineTool
      baseCommand: ls
      inputs:
        reads: {type: File, secondaryFiles: [^.bai]}
        local: {type: File, secondaryFiles: ["${ return self.nameroot + '.bai'; }"]}
        genome: {type: File, secondaryFiles: [.idx]}
      outputs: []
    in: {reads: rucio-stage-in-escape-2/reads, local: rucio-stage-in-escape-1/local, genome: rucio-stage-in-escape-1/genome}
    out: []
  records:
    run: {class: CommandLineTool, baseCommand: ls, inputs: {pairs: Any, named: File}, outputs: []}
    in: {pairs: rucio-stage-in-escape-2/pairs, named: rucio-stage-in-escape-2/named}
    out: []
