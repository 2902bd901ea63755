cwlVersion: v1.2
class: Workflow
inputs:
  reads:
    type: File
    secondaryFiles: [^.bai, "^.txt?", .md5?]
  local: {type: File, secondaryFiles: [^.bai]}
  genome: {type: File, secondaryFiles: [.idx]}
outputs: []
steps:
  align:
    run:
      class: CommandLineTool
      baseCommand: ls
      inputs:
        reads: {type: File, secondaryFiles: [^.bai]}
        local: {type: File, secondaryFiles: [^.bai]}
        genome: {type: File, secondaryFiles: [.idx]}
      outputs: []
    in: {reads: reads, local: local, genome: genome}
    out: []
