cwlVersion: v1.0
class: CommandLineTool
hints:
  DockerRequirement: {dockerPull: docker.io/library/debian:12}
baseCommand: [awk, '-F,', -f]
inputs:
  code: {type: File, inputBinding: {position: 1}}
  tables: {type: "File[]", inputBinding: {position: 2}}
stdout: spectrum.csv
outputs:
  spectrum: stdout
