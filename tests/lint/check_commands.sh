#!/bin/bash
# Every command of README, docs and manuals stands in tests/docs/commands, which netns.docs executes.
walk=$(realpath "$(dirname "$0")/../docs/walk.py")
. "$(dirname "$0")/common.sh"

need python3 python3
exec "$walk" check .
