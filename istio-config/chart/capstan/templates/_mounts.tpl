{{/* A file of a Secret or ConfigMap that no value names: the pod would end as soon as it starts. .config is the whole configuration. */}}
{{- define "capstan.mountRefusals" -}}
{{- $mounts := dict
  "issuer" (dict "value" "issuer.secret" "given" .root.Values.issuer.secret)
  "issuer-unlock" (dict "value" "issuer.unlockSecret" "given" .root.Values.issuer.unlockSecret)
  "people" (dict "value" "administration.clientCaConfigMap" "given" .root.Values.administration.clientCaConfigMap)
  "metrics" (dict "value" "metrics.tokenSecret" "given" .root.Values.metrics.tokenSecret)
  "console" (dict "value" "console.certificateSecret" "given" .root.Values.console.certificateSecret)
  "console-oidc" (dict "value" "console.oidcSecret" "given" .root.Values.console.oidcSecret)
  "postgres" (dict "value" "postgres.secret" "given" .root.Values.postgres.secret)
-}}
{{- $text := toYaml .config -}}
{{- $elsewhere := toYaml .root.Values.extraVolumeMounts -}}
{{- range $folder, $mount := $mounts -}}
{{- $path := printf "/etc/capstan/%s" $folder -}}
{{- if and (not $mount.given) (contains (printf "%s/" $path) $text) (not (contains $path $elsewhere)) -}}
{{- fail (printf "config names files of %s, which is mounted where %s names what has them" $path $mount.value) -}}
{{- end -}}
{{- end -}}
{{- end -}}
