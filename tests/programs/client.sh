#!/bin/sh
# One curl process a request. Usage: client.sh URL COUNT
right=0 n=0
while [ "$n" -lt "$2" ]; do
  body="{\"n\":$n,\"pad\":\"\"}"
  [ "$(curl -s -H 'Content-Type: application/json' -d "$body" "$1/echo/$n")" = "$body" ] && right=$((right + 1))
  n=$((n + 1))
done
echo "$right"
