#!/bin/sh
# Posts one notification as DevLake does, signed with its secret:
#
#   NOTIFICATION_ENDPOINT=… NOTIFICATION_SECRET=… sh notify.sh [STATUS] [PIPELINE]
#
# STATUS is TASK_CREATED, TASK_RUNNING, TASK_COMPLETED, TASK_FAILED, TASK_PARTIAL or TASK_CANCELLED.
set -eu
: "${NOTIFICATION_ENDPOINT:?where to, as the output IngressUrl says}"
: "${NOTIFICATION_SECRET:?by which secret DevLake signs}"
status=${1:-TASK_RUNNING} pipeline=${2:-39}

began='"2026-01-01T12:01:00Z"' finished='"2026-01-01T12:09:00Z"' updated='"2026-01-01T12:09:00.004Z"'
case $status in
    TASK_CREATED) began=null finished=null updated='"2026-01-01T12:00:00Z"' ;;
    TASK_RUNNING) finished=null updated='"2026-01-01T12:00:00Z"' ;;
esac
body='{"ProjectName":"payments","PipelineID":'$pipeline',"CreatedAt":"2026-01-01T12:00:00Z","UpdatedAt":'$updated
body=$body',"BeganAt":'$began',"FinishedAt":'$finished',"Status":"'$status'"}'

# The spelling is DevLake's: the number of the notification, a hyphen and 16 random letters or digits.
nouce=1-$(LC_ALL=C tr -dc A-Za-z0-9 </dev/urandom | head -c 16)
if command -v sha256sum >/dev/null; then sha256='sha256sum'; else sha256='openssl dgst -sha256 -r'; fi
sign=$(printf %s "$body$NOTIFICATION_SECRET$nouce" | $sha256 | cut -d' ' -f1)

curl --silent --show-error --write-out ' %{http_code}\n' --header 'content-type: application/json' \
    --data-binary "$body" "$NOTIFICATION_ENDPOINT?nouce=$nouce&sign=$sign"
