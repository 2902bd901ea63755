cwlVersion: v1.2
class: Workflow
inputs: {events: File}
outputs: []
steps:
  show:
    run: show.cwl
    in: {events: events}
    out: []
