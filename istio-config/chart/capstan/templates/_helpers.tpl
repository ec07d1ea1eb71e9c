{{- define "capstan.name" -}}
{{- default .Release.Name .Values.fullnameOverride | trunc 52 | trimSuffix "-" -}}
{{- end -}}

{{- define "capstan.selector" -}}
app.kubernetes.io/name: capstan
app.kubernetes.io/instance: {{ include "capstan.name" . }}
{{- end -}}

{{- define "capstan.labels" -}}
{{ include "capstan.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/part-of: capstan
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end -}}

{{/* Only a digest says which bytes run. */}}
{{- define "capstan.image" -}}
{{- if .Values.image.digest -}}
{{ .Values.image.repository }}@{{ .Values.image.digest }}
{{- else -}}
{{ .Values.image.repository }}:{{ default .Chart.AppVersion .Values.image.tag }}
{{- end -}}
{{- end -}}

{{/* Not empty when the journal is in PostgreSQL. */}}
{{- define "capstan.shared" -}}
{{- if regexMatch "^postgres(ql)?://" .Values.config.journal.store -}}yes{{- end -}}
{{- end -}}

{{/* Not empty for an address that nobody but the pod itself, and kubectl port-forward, reaches. */}}
{{- define "capstan.isLoopback" -}}
{{- if regexMatch "^(127\\.|localhost:|\\[::1\\])" . -}}yes{{- end -}}
{{- end -}}

{{/* The Lease by which one replica writes, and the webhook: two releases never share one. */}}
{{- define "capstan.leaseName" -}}
{{- dig "cluster" "kubernetes" "leaseName" (include "capstan.name" .) .Values.config -}}
{{- end -}}

{{- define "capstan.webhook" -}}
{{- dig "cluster" "kubernetes" "admission" "configuration" (include "capstan.name" .) .Values.config -}}
{{- end -}}

{{/* capstan.yaml: the values, names after the release, the keys of the policy bundle, and the files of the Secrets of PostgreSQL and of the console. What the values say wins. */}}
{{- define "capstan.config" -}}
{{- $keys := list -}}
{{- range $file := keys .Values.bundle.keys | sortAlpha -}}
{{- $keys = append $keys (printf "/etc/capstan/bundle-keys/%s" $file) -}}
{{- end -}}
{{- $added := dict "policy" (dict "bundle" (dict "keys" $keys)) -}}
{{- if and (include "capstan.shared" .) .Values.postgres.secret -}}
{{- $_ := set $added "journal" (dict "postgres" (dict "caFile" "/etc/capstan/postgres/ca.crt" "passwordFile" "/etc/capstan/postgres/password")) -}}
{{- end -}}
{{- if include "capstan.features" . -}}
{{- $ours := dict "leaseName" (include "capstan.leaseName" .) -}}
{{- if dig "cluster" "kubernetes" "admission" "address" "" .Values.config -}}
{{- $_ := set $ours "admission" (dict "configuration" (include "capstan.webhook" .)) -}}
{{- end -}}
{{- $_ := set $added "cluster" (dict "kubernetes" $ours) -}}
{{- end -}}
{{- with include "capstan.consoleConfig" . | fromYaml -}}
{{- $_ := set $added "listen" (dict "console" .) -}}
{{- end -}}
{{- $config := mustMergeOverwrite $added (deepCopy .Values.config) -}}
{{- if not $config.policy.bundle.keys -}}
{{- fail "bundle.keys has no public key: --set-file bundle.keys.security-1\\.pub=security-1.pub; nobody could sign the policy bundle" -}}
{{- end -}}
{{- /* First, for an agent that dials "localhost" asks for the last one. */ -}}
{{- $own := printf "%s.%s.svc" (include "capstan.name" .) .Release.Namespace -}}
{{- $names := dig "serving" "dnsNames" list $config -}}
{{- if not (has $own $names) -}}
{{- $_ := set $config "serving" (mustMergeOverwrite (default dict $config.serving) (dict "dnsNames" (prepend $names $own))) -}}
{{- end -}}
{{- $judged := dict "root" . "config" $config -}}
{{- include "capstan.consoleRefusals" $judged -}}
{{- include "capstan.mountRefusals" $judged -}}
{{- include "capstan.listenerRefusals" $judged -}}
{{- $config | toYaml -}}
{{- end -}}
