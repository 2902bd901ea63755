# Compiled by reana-rucio (output format 1) from reana.yaml and main.cwl: edit those and compile them again.
cwlVersion: v1.0
class: Workflow
requirements: {SubworkflowFeatureRequirement: {}}
inputs: {options: string, rucio_stage_program: "File"}
outputs: []
steps:
  rucio-stage-in-escape-1:
    run: main.rucio-stage-in.escape.1.cwl
    in:
      rucio_stage_program: rucio_stage_program
    out:
      - receipt
  rucio-stage-in-escape-2:
    run: main.rucio-stage-in.escape.2.cwl
    in:
      rucio_stage_program: rucio_stage_program
    out:
      - events
      - receipt
  takes:
    run: {class: CommandLineTool, baseCommand: ls, inputs: {events: {type: File, inputBinding: {}}}, outputs: []}
    in: {events: rucio-stage-in-escape-2/events}
    out: []
  is-told:
    run: {class: CommandLineTool, baseCommand: echo, inputs: {options: {type: string, inputBinding: {}}}, outputs: []}
    in: {options: options, rucio_stage_in_escape_2: "rucio-stage-in-escape-2/receipt"}
    out: []
  names:
    run:
      class: Workflow
      inputs: []
      outputs: []
      steps:
        inner:
          run: {class: CommandLineTool, baseCommand: [ls, ../../../data/calib.db], inputs: [], outputs: []}
          in: []
          out: []
    in: [{"id": "rucio_stage_in_escape_1", "source": "rucio-stage-in-escape-1/receipt"}]
    out: []
  is-free:
    run: {class: CommandLineTool, baseCommand: date, inputs: [], outputs: []}
    in: []
    out: []
