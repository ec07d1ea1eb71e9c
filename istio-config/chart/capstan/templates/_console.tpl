{{/* Where the console listens in the pod; empty where there is none. */}}
{{- define "capstan.console" -}}
{{- if .Values.console.enabled -}}{{ dig "listen" "console" "address" "0.0.0.0:15019" .Values.config }}{{- end -}}
{{- end -}}

{{/* Not empty where others reach it. */}}
{{- define "capstan.consoleOffered" -}}
{{- with include "capstan.console" . -}}
{{- if not (include "capstan.isLoopback" .) -}}yes{{- end -}}
{{- end -}}
{{- end -}}

{{/* What the values of the console add to config.listen.console. */}}
{{- define "capstan.consoleConfig" -}}
{{- with include "capstan.console" . }}
address: {{ . | quote }}
{{- if $.Values.console.certificateSecret }}
chainFile: /etc/capstan/console/tls.crt
keyFile: /etc/capstan/console/tls.key
{{- end }}
{{- if $.Values.console.oidcSecret }}
oidc: { clientSecretFile: /etc/capstan/console-oidc/client-secret }
{{- end }}
{{- end }}
{{- end -}}

{{/* How browsers reach it, as YAML: url, host, port and, for who has the cluster alone, the way there. .names are those of the certificate of the TLS listener. */}}
{{- define "capstan.consoleWay" -}}
{{- $url := dig "listen" "console" "url" (printf "https://%s:15019" (first .names)) .root.Values.config -}}
{{- $parsed := urlParse $url -}}
{{- $port := regexFind "[0-9]+$" (trimPrefix $parsed.hostname $parsed.host) | default "443" -}}
{{- $name := include "capstan.name" .root -}}
url: {{ $url | quote }}
host: {{ trimAll "[]" $parsed.hostname | quote }}
port: {{ $port | quote }}
{{- if include "capstan.consoleOffered" .root }}
forward: {{ printf "service/%s-console %s:%v" $name $port .root.Values.console.service.port | quote }}
{{- else }}
forward: {{ printf "pod/%s-0 %s:%s" $name $port (last (splitList ":" (include "capstan.console" .root))) | quote }}
{{- end }}
{{- end -}}

{{/* What cannot work is refused before anything is changed. .config is the whole configuration. */}}
{{- define "capstan.consoleRefusals" -}}
{{- $see := "(docs/console.md, In Kubernetes)" -}}
{{- $listen := .config.listen -}}
{{- $console := default dict $listen.console -}}
{{- $oidc := default dict $console.oidc -}}
{{- if and (not .root.Values.console.enabled) $console.address -}}
{{- fail (printf "config.listen.console.address needs console.enabled, which makes the console's port, Service and rule %s" $see) -}}
{{- end -}}
{{- if .root.Values.console.enabled -}}
{{- $people := dig "administration" "clientCaFile" "" $listen -}}
{{- if not (or $oidc.issuer $people) -}}
{{- fail (printf "console.enabled needs a way to sign in: config.listen.console.oidc.issuer, or config.listen.administration.clientCaFile with administration.clientCaConfigMap %s" $see) -}}
{{- end -}}
{{- if and $oidc.issuer (not (and $oidc.clientId $console.url)) -}}
{{- fail (printf "config.listen.console.oidc.issuer needs config.listen.console.oidc.clientId and config.listen.console.url: the provider sends browsers back there %s" $see) -}}
{{- end -}}
{{- with $console.url -}}
{{- if not (regexMatch "^https://[^/?#@]+/?$" .) -}}
{{- fail (printf "config.listen.console.url, %s, must be an https URL without a path, such as https://ca.example.com %s" . $see) -}}
{{- end -}}
{{- end -}}
{{- $let := default list $console.teams -}}
{{- range ternary (values (default dict $oidc.roles)) list (not (empty $oidc.issuer)) -}}{{- $let = concat $let . -}}{{- end -}}
{{- range ternary (values (dig "administration" "roles" dict $listen)) list (not (empty $people)) -}}{{- $let = concat $let . -}}{{- end -}}
{{- if not $let -}}
{{- fail (printf "console.enabled lets nobody in: name who may in config.listen.console.oidc.roles, config.listen.administration.roles or config.listen.console.teams %s" $see) -}}
{{- end -}}
{{- $way := include "capstan.consoleWay" (dict "root" .root "names" .config.serving.dnsNames) | fromYaml -}}
{{- if and (not $console.chainFile) (not (has $way.host (concat .config.serving.dnsNames (default list .config.serving.ipAddresses)))) -}}
{{- fail (printf "console.certificateSecret is empty, and the certificate of the TLS listener has no name %s: give the console a certificate of its own, or add the name to config.serving.dnsNames %s" $way.host $see) -}}
{{- end -}}
{{- if and (not (include "capstan.consoleOffered" .root)) (or .root.Values.networkPolicy.consoleFrom (ne .root.Values.console.service.type "ClusterIP")) -}}
{{- fail (printf "networkPolicy.consoleFrom and console.service.type offer a console that config.listen.console.address, %s, keeps in its pod %s" $console.address $see) -}}
{{- end -}}
{{- end -}}
{{- end -}}
