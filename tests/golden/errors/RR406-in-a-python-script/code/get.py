import os
import subprocess

# subprocess.run(["rucio", "download", "user.jdoe:no.root"])
subprocess.run(["rucio", "download", "--rses", "CERN-DISK", "user.jdoe:a.root"], check=True)
subprocess.check_call(
    (
        "/opt/rucio/bin/rucio",
        "get",
        "user.jdoe:b.root",
    )
)
os.system("rucio upload --rse CERN-DISK --scope user.jdoe results/fit.json")
os.execlp("rucio", "rucio", "whoami")
did = "user.jdoe:c.root"
subprocess.run(["rucio", "-v", "download", did])
