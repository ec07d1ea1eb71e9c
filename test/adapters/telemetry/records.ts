// The records and facts that the telemetry tests emit.
import type { StreamFacts } from '../../../src/ports/events.ts';
import type { IssuedRecord, RefusedRecord } from '../../../src/ports/issuance-journal.ts';

const CALLER = 'spiffe://cluster.local/ns/default/sa/demo';

export const ISSUED: IssuedRecord = {
  outcome: 'issued',
  decisionId: 'd-1',
  timeMs: 1_763_712_000_000,
  surface: 'csr',
  remoteAddress: '192.0.2.7:41234',
  caller: CALLER,
  provenBy: 'token',
  evidence: 'issuer.example',
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
  surface: 'csr',
  remoteAddress: '192.0.2.7:41234',
  caller: CALLER,
  provenBy: 'token',
  reason: 'CAP-P01',
  message: 'CAP-P01 no policy rule allows this identity',
};

export const STREAM: StreamFacts = { streamId: 's-1', caller: CALLER, protocol: 'delta' };
