{{/* What a probe asks: over the pod's address, or from inside where the listener is on loopback. */}}
{{- define "capstan.ask" -}}
{{- if .exec -}}
exec:
  command: [/opt/capstan/node, -e, "fetch('http://127.0.0.1:15014{{ .path }}').then((answer) => (process.exitCode = answer.ok ? 0 : 1), () => (process.exitCode = 1))"]
{{- else -}}
httpGet: { path: {{ .path }}, port: observation }
{{- end -}}
{{- end -}}

{{- define "capstan.probes" -}}
{{- $alive := dict "path" "/healthz" "exec" .Values.probes.exec -}}
{{- $ready := dict "path" "/readyz" "exec" .Values.probes.exec -}}
# After a stop that was not in order the whole journal is read before anything is served: ten minutes for it.
startupProbe:
  {{- include "capstan.ask" $alive | nindent 2 }}
  periodSeconds: 2
  timeoutSeconds: 5
  failureThreshold: 300
readinessProbe:
  {{- include "capstan.ask" $ready | nindent 2 }}
  periodSeconds: 5
  timeoutSeconds: 5
  failureThreshold: 2
livenessProbe:
  {{- include "capstan.ask" $alive | nindent 2 }}
  periodSeconds: 10
  timeoutSeconds: 5
  failureThreshold: 6
{{- end -}}
