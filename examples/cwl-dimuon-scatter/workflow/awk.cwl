cwlVersion: v1.0
class: CommandLineTool
hints:
  DockerRequirement: {dockerPull: docker.io/library/debian:12}
baseCommand: [awk, '-F,', -f]
inputs:
  code: {type: File, inputBinding: {position: 1}}
  bins: {type: int, inputBinding: {position: 2, prefix: bins=, separate: false}}
  calibration: {type: File, inputBinding: {position: 3}}
  events: {type: File, inputBinding: {position: 4}}
stdout: table.csv
outputs:
  table: stdout
