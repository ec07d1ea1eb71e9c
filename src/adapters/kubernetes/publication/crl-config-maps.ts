// The ConfigMap `istio-ca-crl` of each namespace, which pods of the mesh mount where it is there: their agent hands its file to
// Envoy by name (istio, security/pkg/nodeagent/sds/sdsservice.go), ztunnel reads it with `peerCaCrl.enabled`. Withdrawn is an empty text, as istiod writes where it has no list:
// Envoy and ztunnel take an empty file for no list at all. A file that vanishes they do not: they go on with the list that they
// have, and refuse everybody when it lapses. So none is ever deleted, and each is there before its first list, for an agent looks for the file only
// when it has anchors to send.
import { NamespaceConfigMaps, type NamespaceConfigMapSettings } from './namespace-config-maps.ts';
import type { TextField } from './published-object.ts';
import type { SeenNamespaces } from './seen-namespaces.ts';

export const CRL_FIELD: TextField = ['data', 'ca-crl.pem'];
/** Kubernetes, ConfigMaps: data of at most 1 MiB; the rest is for what is beside the text. */
export const MAX_CRL_TEXT_BYTES = 1_000_000;
const KIND = {
  what: 'crl-config-map',
  field: CRL_FIELD,
  advice:
    'istiod stops with `pilot.env.PILOT_ENABLE_CA_CRL: "false"`; ' +
    'or leave its namespaces out with `cluster.kubernetes.publish.crlConfigMap.namespaceSelector`',
  elsewhere: 'emptied',
} as const;

export class CrlConfigMaps extends NamespaceConfigMaps {
  constructor(seen: SeenNamespaces, settings: NamespaceConfigMapSettings) {
    super(KIND, seen, settings);
  }
}
