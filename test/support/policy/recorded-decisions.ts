// Decisions as a journal holds them, of a policy that was asked.
import type { IssuedRecord, PolicyTrace, RefusedRecord } from '../../../src/ports/storage/issuance-journal.ts';
import { NOON_MS } from '../fakes/fake-clock.ts';

export const HOUR_MS = 3_600_000;

interface Asked {
  /** `namespace/serviceAccount` */
  readonly who?: string;
  readonly agoMs?: number;
  readonly policy?: Partial<PolicyTrace>;
}

let count = 0;

function facts({ who = 'shop/web', agoMs = HOUR_MS, policy }: Asked) {
  const [namespace = '', serviceAccount = ''] = who.split('/');
  const identity = `spiffe://cluster.local/ns/${namespace}/sa/${serviceAccount}`;
  count += 1;
  return {
    identity,
    decisionId: `decision-${count}`,
    timeMs: NOON_MS - agoMs,
    api: 'csr',
    remoteAddress: '127.0.0.1:40000',
    caller: identity,
    authenticationMethod: 'token',
    podName: `${serviceAccount}-1`,
    policyRevision: '0123456789abcdef',
    policy: {
      subject: identity,
      class: 'workload',
      key: { type: 'ec-p256', bits: 0 },
      issuer: 'default',
      bundle: 'corp@7',
      snapshot: 'unsynced',
      applied: ['central corp@7 mesh'],
      ...policy,
    },
  } as const;
}

/** A certificate of an hour that shop/web was issued an hour ago. */
export function issuedTo(asked: Asked = {}, changes: Partial<IssuedRecord> = {}): IssuedRecord {
  const { timeMs, ...rest } = facts(asked);
  return {
    ...rest,
    outcome: 'issued',
    timeMs,
    serial: `5e${count}`,
    issuer: 'fedcba9876543210',
    notBeforeMs: timeMs - 60_000,
    notAfterMs: timeMs + HOUR_MS,
    keyType: 'ec-p256',
    ...changes,
  };
}

/** shop/web was refused by policy an hour ago. */
export function refusedTo(asked: Asked = {}, changes: Partial<RefusedRecord> = {}): RefusedRecord {
  const { identity: caller, policy, ...rest } = facts(asked);
  const failure = {
    reason: 'CAP-P02',
    layer: 'central',
    policy: 'corp@6',
    field: 'rules.mesh.bounds.keys',
    actual: 'ec-p256',
    allowed: 'rsa>=2048',
    change: 'use a key of a type that is listed',
    mayPassLater: false,
  } as const;
  return {
    ...rest,
    caller,
    policy: { ...policy, failures: [failure] },
    outcome: 'refused',
    reason: 'CAP-P02',
    message: 'CAP-P02 policy does not allow this key type for this identity',
    ...changes,
  };
}
