cwlVersion: v1.0
class: CommandLineTool
requirements: {InlineJavascriptRequirement: {}}
baseCommand: fit
inputs: {events: File, plot: string, table: string}
stdout: fit.log
outputs:
  mass: {type: File, outputBinding: {glob: $(inputs.plot).png}}
  log: stdout
  report: {type: File, outputBinding: {glob: '${ return "report" + 1; }'}}
  table: {type: File, outputBinding: {glob: $(inputs.table)}}
