cwlVersion: v1.2
class: Workflow
inputs: {events: File}
outputs: []
steps:
  show:
    run: show.cwl
    in: {events: events}
    out: []
  fetch:
    run:
      class: CommandLineTool
      # baseCommand: [rucio, download, "user.jdoe:x.root"]
      baseCommand: [rucio, download, --dir, data, "user.jdoe:b.root"]
      inputs: []
      outputs: []
    in: []
    out: []
  send:
    run:
      class: CommandLineTool
      baseCommand:
        - rucio
        - upload
        - --rse
        - CERN-DISK
        - user.jdoe:data
        - fit.json
      inputs: []
      outputs: []
    in: []
    out: []
