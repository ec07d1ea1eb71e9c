// The records and facts that the telemetry tests emit.
import type { StreamFacts } from '../../../src/ports/platform/events.ts';
import type { FailedClause } from '../../../src/domain/policy/policy-decision.ts';
import type { IssuedRecord, PolicyTrace, RefusedRecord } from '../../../src/ports/storage/issuance-journal.ts';

const CALLER = 'spiffe://cluster.local/ns/default/sa/demo';

export const ISSUED: IssuedRecord = {
  outcome: 'issued',
  decisionId: 'd-1',
  timeMs: 1_763_712_000_000,
  api: 'csr',
  remoteAddress: '192.0.2.7:41234',
  caller: CALLER,
  authenticationMethod: 'token',
  credentialId: 'issuer.example',
  podName: 'demo-6f9c7b-abcde',
  podUid: '0b7b6a6e-0000-4000-8000-000000000000',
  nodeName: 'node-1',
  policyRevision: '0123456789abcdef',
  identity: CALLER,
  serial: '7f01020304050607',
  issuer: 'abcdef0123456789',
  notBeforeMs: 1_763_711_880_000,
  notAfterMs: 1_763_798_400_000,
  keyType: 'ec-p256',
};

export const REFUSED: RefusedRecord = {
  outcome: 'refused',
  decisionId: 'd-2',
  timeMs: 1_763_712_000_000,
  api: 'csr',
  remoteAddress: '192.0.2.7:41234',
  caller: CALLER,
  authenticationMethod: 'token',
  reason: 'CAP-P01',
  message: 'CAP-P01 no policy rule allows this identity',
};

export const STREAM: StreamFacts = { streamId: 's-1', caller: CALLER, protocol: 'delta' };

export const CLAUSE: FailedClause = {
  reason: 'CAP-P04',
  layer: 'central',
  policy: 'corp@7',
  field: 'rules.no-default.deny.serviceAccounts',
  actual: 'service account default',
  allowed: 'none of default',
  change: 'give the workload a service account of its own',
  mayPassLater: false,
};

export const TRACE: PolicyTrace = {
  subject: CALLER,
  class: 'workload',
  key: { type: 'ec-p256', bits: 0 },
  issuer: 'default',
  bundle: 'corp@7',
  snapshot: 'v1',
  applied: ['central corp@7 mesh'],
  failures: [CLAUSE],
  audits: [CLAUSE],
};
