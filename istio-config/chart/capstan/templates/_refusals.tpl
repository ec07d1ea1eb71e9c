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

{{/* A listener that nobody could be known at, or that others are led to and that keeps to its pod. .config is the whole configuration. */}}
{{- define "capstan.listenerRefusals" -}}
{{- $values := .root.Values -}}
{{- $listen := .config.listen -}}
{{- $ports := dict -}}
{{- range $key, $address := dict
  "config.listen.tls.address" (dig "tls" "address" "" $listen)
  "config.listen.plaintext.address" (dig "plaintext" "address" "" $listen)
  "config.listen.http.address" (dig "http" "address" "" $listen)
  "config.listen.metrics.address" (dig "metrics" "address" "" $listen)
  "config.listen.administration.address" (dig "administration" "address" "" $listen)
  "config.listen.console.address" (dig "console" "address" "" $listen)
  "config.trustAnchors.endpoint.address" (dig "trustAnchors" "endpoint" "address" "" .config)
  "config.crl.address" (dig "crl" "address" "" .config)
  "config.cluster.kubernetes.admission.address" (dig "cluster" "kubernetes" "admission" "address" "" .config)
-}}
{{- with $address -}}
{{- $port := last (splitList ":" .) -}}
{{- with get $ports $port -}}
{{- fail (printf "%s and %s have the same port, %s: of the two the pod opens one, and ends" . $key $port) -}}
{{- end -}}
{{- $_ := set $ports $port $key -}}
{{- end -}}
{{- end -}}
{{- $people := dig "listen" "administration" "clientCaFile" "" .config -}}
{{- with dig "listen" "administration" "address" "" .config -}}
{{- if not $people -}}
{{- fail "config.listen.administration.address needs administration.clientCaConfigMap and config.listen.administration.clientCaFile: operators are known by their client certificates (docs/trust.md, Who may)" -}}
{{- end -}}
{{- if and (include "capstan.isLoopback" .) $values.networkPolicy.administrationFrom -}}
{{- fail (printf "networkPolicy.administrationFrom lets peers in that config.listen.administration.address, %s, keeps out" .) -}}
{{- end -}}
{{- end -}}
{{- with dig "listen" "metrics" "address" "" .config -}}
{{- if not (or $people (dig "listen" "metrics" "tokenFile" "" $.config)) -}}
{{- fail "config.listen.metrics.address needs metrics.tokenSecret and config.listen.metrics.tokenFile, or config.listen.administration.clientCaFile: scrapers are known by what they show (docs/kubernetes.md, What is exposed)" -}}
{{- end -}}
{{- if and (include "capstan.isLoopback" .) $values.serviceMonitor.enabled -}}
{{- fail (printf "serviceMonitor.enabled has Prometheus ask where config.listen.metrics.address, %s, keeps it out" .) -}}
{{- end -}}
{{- end -}}
{{- end -}}
