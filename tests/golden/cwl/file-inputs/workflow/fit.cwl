cwlVersion: v1.0
class: CommandLineTool
requirements:
  DockerRequirement: {dockerPull: docker.io/library/python:3.12-slim}
baseCommand: python3
inputs:
  script: {type: File, inputBinding: {position: 1}}
  selected: {type: File, inputBinding: {position: 2}}
  calibration: {type: File, inputBinding: {position: 3}}
  bins: {type: int, inputBinding: {position: 4}}
outputs:
  plot: {type: File, outputBinding: {glob: plot.png}}
