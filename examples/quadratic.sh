#!/bin/sh
# A program that is no Python: it goes down the slope of f(x, y) = x^2 + 10 y^2.
#
#   ./quadratic.sh LEARNING_RATE MOMENTUM
#
# It goes on from the file that it wrote, if a trial was interrupted.
set -eu

epochs=10
state="$TUNEYARD_FOLDER/state"
[ -e "$state" ] || echo "5 5 0 0" >"$state" # x, y and their velocities

epoch=$TUNEYARD_EPOCH
while [ "$epoch" -lt "$epochs" ]; do
    epoch=$((epoch + 1))
    awk -v lr="$1" -v momentum="$2" '{
        for (step = 0; step < 10; step++) {
            $3 = momentum * $3 - lr * 2 * $1
            $4 = momentum * $4 - lr * 20 * $2
            $1 += $3
            $2 += $4
        }
        print $1, $2, $3, $4
    }' "$state" >"$state.new"
    mv "$state.new" "$state"
    # one line of JSON an epoch, after the files of the epoch
    awk -v epoch="$epoch" '{
        printf "{\"epoch\": %d, \"loss\": %.9g}\n", epoch, $1 * $1 + 10 * $2 * $2
    }' "$state"
    sleep 0.1
done
