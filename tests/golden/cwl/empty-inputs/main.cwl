cwlVersion: v1.0
class: Workflow
inputs: []
outputs:
  numbers: {type: File, outputSource: count/numbers}
steps:
  count:
    run:
      class: CommandLineTool
      baseCommand: [seq, '10']
      stdout: numbers.txt
      inputs: []
      outputs: {numbers: stdout}
    in: []
    out: [numbers]
