# Compiled by reana-rucio (output format 1) from reana.yaml and packed.cwl: edit those and compile them again.
{
  "cwlVersion": "v1.2",
  "$graph": [
    {"class": "CommandLineTool", "id": "#hist.cwl", "baseCommand": ["sort"],
     "inputs": [{"id": "#hist.cwl/events", "type": "File", "inputBinding": {}}, {"id": "#hist.cwl/bins", "type": "int"}],
     "outputs": [{"id": "#hist.cwl/histogram", "type": "stdout"}], "stdout": "histogram.txt"},
    {"class": "Workflow", "id": "#main",
     "inputs": [{"id": "#main/bins", "type": "int"}, {"id": "rucio_stage_program", "type": "File"}],
     "outputs": [{"id": "#main/histogram", "type": "File", "outputSource": "#main/hist/histogram"}],
     "steps": [{"id": "rucio-stage-in", "run": "packed.rucio-stage-in.escape.cwl", "in": {"rucio_stage_program": "rucio_stage_program"}, "out": ["events", "receipt"]}, 
       {"id": "#main/hist", "run": "#hist.cwl",
        "in": [{"id": "#main/hist/events", "source": "#main/rucio-stage-in/events"}, {"id": "#main/hist/bins", "source": "#main/bins"}],
        "out": ["#main/hist/histogram"]}, {"id": "rucio-stage-out", "run": "packed.rucio-stage-out.escape.cwl", "in": {"rucio_stage_program": "rucio_stage_program", "histogram": "#main/hist/histogram"}, "out": ["receipt"]}
     ]}
  ]
}
