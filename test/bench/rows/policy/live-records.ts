// A mesh as it lives: a certificate of a day for each pod, of 2,000 accounts in 250 namespaces, and the policies of those.
import type { IssuedRecord } from '../../../../src/ports/storage/issuance-journal.ts';
import {
  bundle,
  condition,
  HAS_INGRESS,
  local,
  object,
  policySet,
  rule,
  snapshot,
} from '../../../support/policy/policies.ts';
import type { LiveJudges } from '../../../../src/review/drift/live-certificates.ts';

const NAMESPACES = 250;
const ACCOUNTS = 2_000;
const DAY_MS = 86_400_000;

/** @param issuedMs in ms since the epoch. */
export function liveRecord(index: number, issuedMs: number): IssuedRecord {
  const who = index % ACCOUNTS;
  const namespace = namespaceOf(who);
  const identity = `spiffe://cluster.local/ns/${namespace}/sa/service-${who}`;
  return {
    outcome: 'issued',
    decisionId: index.toString(16).padStart(20, '0'),
    timeMs: issuedMs,
    api: 'csr',
    remoteAddress: '10.0.0.1:40000',
    caller: identity,
    identity,
    authenticationMethod: 'token',
    credentialId: 'https://kubernetes.default.svc.cluster.local',
    podName: `service-${who}-${index}`,
    podUid: `uid-${index}`,
    nodeName: `node-${index % 1_000}`,
    policyRevision: '0123456789abcdef',
    serial: (index + 16).toString(16),
    issuer: 'fedcba9876543210',
    issuerName: 'default',
    notBeforeMs: issuedMs - 60_000,
    notAfterMs: issuedMs + DAY_MS,
    keyType: 'ec-p256',
    policy: {
      subject: identity,
      class: 'workload',
      key: { type: 'ec-p256', bits: 0 },
      requestedTtlMs: DAY_MS,
      issuer: 'default',
      bundle: 'corp@1',
      snapshot: 'fedcba9876543210',
      applied: ['central corp@1 mesh', `namespace ${namespace}/local`],
      objects: [{ kind: 'Ingress', namespace, name: 'web', uid: 'uid-web', resourceVersion: '12345' }],
    },
  };
}

/** Every tenth namespace has no Ingress any more, which all must have. */
export function liveJudges(): LiveJudges {
  const namespaces = Array.from({ length: NAMESPACES }, (_, index) => namespaceOf(index));
  const policies = namespaces.map((namespace) => local({ namespace, conditions: [condition(HAS_INGRESS)] }));
  const objects = namespaces.flatMap((namespace, index) => [
    object('Namespace', undefined, namespace),
    ...(index % 10 === 0 ? [] : [object('Ingress', namespace, 'web')]),
  ]);
  const known = snapshot(...objects);
  return { policies: policySet(bundle({ rules: [rule()] }), policies), snapshotOf: () => known };
}

function namespaceOf(index: number): string {
  return `team-${index % NAMESPACES}`;
}
