// What a configuration may say and few mean: each row names the consequence. `config check` and the server
// at its start say them; nothing is refused.
import { isHostName } from '../../domain/identity/trust-domain.ts';
import { isLoopback } from '../shapes/shapes.ts';
import type { Rule } from './rules.ts';

const NO_EFFECT = 'has no effect: the journal is an SQLite file';

export const WARNINGS: readonly Rule[] = [
  {
    reads: ['listen.http.address', 'listen.metrics.address'],
    check: ({ listen: { http, metrics } }) =>
      isLoopback(http.address.host) || metrics.address !== undefined
        ? []
        : [
            {
              problem:
                'tells other machines only whether the server is alive and ready: /metrics and /policy are served to them over TLS, with a credential, where listen.metrics.address is set',
            },
          ],
  },
  {
    reads: ['journal.postgres.caFile', 'journal.store'],
    check: ({ journal: { store, postgres } }) =>
      store.kind === 'sqlite' && postgres.caFile !== undefined ? [{ problem: NO_EFFECT }] : [],
  },
  {
    reads: ['journal.postgres.passwordFile', 'journal.store'],
    check: ({ journal: { store, postgres } }) =>
      store.kind === 'sqlite' && postgres.passwordFile !== undefined ? [{ problem: NO_EFFECT }] : [],
  },
  {
    reads: ['sds.spiffeValidator'],
    check: ({ sds }) =>
      sds.spiffeValidator
        ? []
        : [
            {
              problem:
                "is off: a proxy that does not check names itself takes callers of every trust domain under the anchors, not of this mesh's alone",
            },
          ],
  },
  {
    reads: ['trustAnchors.federated', 'sds.spiffeValidator'],
    check: ({ trustAnchors, sds }) =>
      trustAnchors.federated.length > 0 && !sds.spiffeValidator
        ? [{ problem: 'reach only proxies that ask for the SPIFFE validator themselves: sds.spiffeValidator is off' }]
        : [],
  },
  {
    reads: ['trustDomain'],
    check: ({ trustDomain }) =>
      isHostName(trustDomain)
        ? []
        : [
            {
              problem:
                'is no name that DNS allows (a label that begins or ends with a dash, has an underscore or more than 63 characters): some peers do not parse it in a URI',
            },
          ],
  },
  {
    reads: ['sds.keyType'],
    check: ({ sds }) =>
      sds.keyType === 'ec-p384'
        ? [
            {
              problem:
                'needs proxies that name P-384 in `ecdh_curves` on both sides, as istio-config/envoy does: others acknowledge the certificate and answer 503',
            },
          ]
        : [],
  },
];
