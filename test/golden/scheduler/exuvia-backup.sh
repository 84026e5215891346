#!/bin/sh
# exuvia schedule 1: remove it with "exuvia schedule disable"
export PATH='/home/o'\''n $x 100% "a" & <b>\c/bin:/usr/bin'
export SHELL=/bin/bash
exec '/home/o'\''n $x 100% "a" & <b>\c/node' '/home/o'\''n $x 100% "a" & <b>\c/launcher.cjs' schedule run --if-due --quiet
