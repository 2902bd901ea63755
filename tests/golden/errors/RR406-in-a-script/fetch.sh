#!/bin/bash
# rucio download user.jdoe:old.root
set -e
rucio download \
  --no-subdir user.jdoe:events.root
