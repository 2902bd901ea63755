{
  "cwlVersion": "v1.2",
  "$graph": [
    {"class": "CommandLineTool", "id": "#hist.cwl", "baseCommand": ["sort"],
     "inputs": [{"id": "#hist.cwl/events", "type": "File", "inputBinding": {}}, {"id": "#hist.cwl/bins", "type": "int"}],
     "outputs": [{"id": "#hist.cwl/histogram", "type": "stdout"}], "stdout": "histogram.txt"},
    {"class": "Workflow", "id": "#main",
     "inputs": [{"id": "#main/events", "type": "File"}, {"id": "#main/bins", "type": "int"}],
     "outputs": [{"id": "#main/histogram", "type": "File", "outputSource": "#main/hist/histogram"}],
     "steps": [
       {"id": "#main/hist", "run": "#hist.cwl",
        "in": [{"id": "#main/hist/events", "source": "#main/events"}, {"id": "#main/hist/bins", "source": "#main/bins"}],
        "out": ["#main/hist/histogram"]}
     ]}
  ]
}
