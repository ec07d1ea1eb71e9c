{{/* What the configuration switches on in the cluster, as names with commas; src/app/doctor/settings.ts says the same. */}}
{{- define "capstan.features" -}}
{{- $k := dig "cluster" "kubernetes" dict .Values.config -}}
{{- $on := list -}}
{{- if $k.from -}}
{{- $on = list "attestation" "leader" -}}
{{- if dig "publish" "rootConfigMap" "enabled" false $k -}}{{- $on = append $on "rootConfigMap" -}}{{- end -}}
{{- if dig "publish" "crlConfigMap" "enabled" false $k -}}{{- $on = append $on "crlConfigMap" -}}{{- end -}}
{{- if dig "publish" "clusterTrustBundles" list $k -}}{{- $on = append $on "clusterTrustBundle" -}}{{- end -}}
{{- if dig "publish" "istiodTls" "namespace" "" $k -}}{{- $on = append $on "istiodTls" -}}{{- end -}}
{{- if $k.policies -}}{{- $on = append $on "policies" -}}{{- end -}}
{{- if $k.events -}}{{- $on = append $on "events" -}}{{- end -}}
{{- if dig "signers" "certificateSigningRequests" "requesters" list $k -}}{{- $on = append $on "certificateSigningRequests" -}}{{- end -}}
{{- if dig "signers" "podCertificates" false $k -}}{{- $on = append $on "podCertificates" -}}{{- end -}}
{{- if dig "admission" "address" "" $k -}}{{- $on = append $on "admission" -}}{{- end -}}
{{- if dig "policy" "bundle" "from" "name" "" .Values.config -}}{{- $on = append $on "policyBundle" -}}{{- end -}}
{{- if dig "cluster" "remote" "secrets" "namespace" "" .Values.config -}}{{- $on = append $on "remoteSecrets" -}}{{- end -}}
{{- $rogue := dig "rogue" "cluster" "none" .Values.config -}}
{{- if ne $rogue "none" -}}{{- $on = append $on "rogues" -}}{{- end -}}
{{- if eq $rogue "all" -}}{{- $on = append $on "rogueSecrets" -}}{{- end -}}
{{- if include "capstan.certManagerNamespaces" . -}}{{- $on = append $on "certManager" -}}{{- end -}}
{{- end -}}
{{- join "," $on -}}
{{- end -}}

{{/* Where intermediates are asked for of cert-manager, with commas. */}}
{{- define "capstan.certManagerNamespaces" -}}
{{- $found := list -}}
{{- range prepend (dig "additionalIssuers" list .Values.config) (default dict .Values.config.issuer) -}}
{{- with dig "upstream" "certManager" dict . -}}
{{- $found = append $found (default $.Release.Namespace .namespace) -}}
{{- end -}}
{{- end -}}
{{- join "," (uniq $found) -}}
{{- end -}}
