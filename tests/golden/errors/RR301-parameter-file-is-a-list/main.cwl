cwlVersion: v1.0
class: Workflow
inputs: {events: File}
outputs: []
steps: {show: {run: {class: CommandLineTool, baseCommand: ls, inputs: {events: File}, outputs: []}, in: {events: events}, out: []}}
