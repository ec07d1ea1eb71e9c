// Records for the journal's tests.
import type { ClosingRecord } from '../../../../src/ports/storage/closing-journal.ts';
import type { IssuedRecord, PolicyTrace, RefusedRecord } from '../../../../src/ports/storage/issuance-journal.ts';
import { NOON_MS } from '../../../support/fakes/fake-clock.ts';

export const NEVER = new AbortController().signal;

export function issued(decisionId: string, changes: Partial<IssuedRecord> = {}): IssuedRecord {
  return {
    outcome: 'issued',
    decisionId,
    timeMs: NOON_MS,
    api: 'csr',
    remoteAddress: '127.0.0.1:40000',
    caller: 'spiffe://cluster.local/ns/default/sa/demo',
    authenticationMethod: 'token',
    credentialId: 'https://issuer.example',
    podName: 'demo-1',
    podUid: '8a1f',
    nodeName: 'node-1',
    cluster: 'east',
    policyRevision: '0123456789abcdef',
    identity: 'spiffe://cluster.local/ns/default/sa/demo',
    serial: '7f00aa',
    issuer: 'fedcba9876543210',
    notBeforeMs: NOON_MS - 60_000,
    notAfterMs: NOON_MS + 3_600_000,
    keyType: 'ec-p256',
    ...changes,
  };
}

export function refused(decisionId: string, changes: Partial<RefusedRecord> = {}): RefusedRecord {
  return {
    outcome: 'refused',
    decisionId,
    timeMs: NOON_MS,
    api: 'csr',
    remoteAddress: '127.0.0.1:40000',
    reason: 'CAP-P01',
    message: 'CAP-P01 no policy rule allows this identity',
    ...changes,
  };
}

export function closing(podUid: string, changes: Partial<ClosingRecord> = {}): ClosingRecord {
  return {
    timeMs: NOON_MS,
    identity: 'spiffe://cluster.local/ns/default/sa/demo',
    reason: 'pod_deleted',
    cluster: 'east',
    namespace: 'default',
    podName: 'demo-1',
    podUid,
    liveCertificates: 1,
    latestEndMs: NOON_MS + 3_600_000,
    serials: ['7f00aa'],
    ...changes,
  };
}

/** What policy was asked and answered: a condition failed that is only audited, another was waived. */
export function traced(changes: Partial<PolicyTrace> = {}): PolicyTrace {
  return {
    subject: 'spiffe://cluster.local/ns/default/sa/demo',
    class: 'workload',
    key: { type: 'rsa', bits: 3072 },
    requestedTtlMs: 3_600_000,
    dnsNames: ['demo.example'],
    actor: 'istio-system/ztunnel',
    issuer: 'prod',
    bundle: 'corp-mesh@42',
    snapshot: 'fedcba98',
    applied: ['central corp-mesh@42 mesh-default', 'namespace default/demo'],
    audits: [
      {
        reason: 'CAP-P12',
        layer: 'namespace',
        policy: 'default/demo',
        field: 'spec.conditions.has-ingress',
        actual: 'there is none',
        allowed: 'Ingress in default',
        change: 'Publish an Ingress',
        mayPassLater: true,
      },
    ],
    waived: [{ key: 'default/demo spec.conditions.has-netpol', sinceMs: NOON_MS - 7_200_000 }],
    objects: [{ kind: 'Namespace', name: 'default', uid: 'ns-1', resourceVersion: '7' }],
    ...changes,
  };
}
