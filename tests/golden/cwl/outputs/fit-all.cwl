cwlVersion: v1.0
class: Workflow
inputs: {events: File, plot: string, table: string}
outputs:
  mass: {type: File, outputSource: only/mass}
  log: {type: File, outputSource: only/log}
  report: {type: File, outputSource: only/report}
  table: {type: File, outputSource: only/table}
steps:
  only:
    run: fit.cwl
    in: {events: events, plot: plot, table: table}
    out: [mass, log, report, table]
