cwlVersion: v1.2
class: Workflow
requirements: {InlineJavascriptRequirement: {}}
inputs:
  reads:
    type: File
    secondaryFiles: [^.bai, "^.txt?", .md5?]
  local: {type: File, secondaryFiles: ["${ return self.nameroot + '.bai'; }"]}
  named: {type: File, secondaryFiles: [$(self.nameroot).bai]}
  genome: {type: File, secondaryFiles: [.idx]}
  pairs:
    type:
      type: array
      items:
        type: record
        fields:
          - {name: file, type: File, secondaryFiles: [^.bai]}
          - {name: weight, type: float}
outputs: []
steps:
  align:
    run:
      class: CommandLineTool
      baseCommand: ls
      inputs:
        reads: {type: File, secondaryFiles: [^.bai]}
        local: {type: File, secondaryFiles: ["${ return self.nameroot + '.bai'; }"]}
        genome: {type: File, secondaryFiles: [.idx]}
      outputs: []
    in: {reads: reads, local: local, genome: genome}
    out: []
  records:
    run: {class: CommandLineTool, baseCommand: ls, inputs: {pairs: Any, named: File}, outputs: []}
    in: {pairs: pairs, named: named}
    out: []
