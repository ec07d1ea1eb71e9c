// A journal as a busy cluster leaves it after a month: 2,000 identities in 50 namespaces, their pods coming and
// going, a few refusals. The same seed gives the same rows.
import { formatKeyType } from '../../../src/domain/x509/key-types.ts';
import { JournalWriter } from '../../../src/adapters/storage/sqlite/writing/journal-writer.ts';
import type { DecisionRecord, PolicyTrace } from '../../../src/ports/storage/issuance-journal.ts';

export const NAMESPACES = 50;
export const IDENTITIES = 2_000;
const MONTH_MS = 30 * 86_400_000;
const HOUR_MS = 3_600_000;
/** Rows of one transaction. */
const BATCH = 20_000;

const KEYS: readonly PolicyTrace['key'][] = [
  ...Array.from({ length: 7 }, () => ({ type: 'ec-p256', bits: 0 })),
  { type: 'ec-p384', bits: 0 },
  { type: 'rsa', bits: 2048 },
  { type: 'rsa', bits: 3072 },
];

/** @param rows how many decisions. @param endMs when the last was made. */
export function writeJournal(file: string, rows: number, endMs: number): void {
  const writer = new JournalWriter({ file });
  for (let first = 0; first < rows; first += BATCH) {
    const length = Math.min(BATCH, rows - first);
    writer.append(Array.from({ length }, (_, index) => decision(first + index, rows, endMs)));
  }
  writer.close();
}

export function namespaceName(index: number): string {
  return `team-${index % NAMESPACES}`;
}

function decision(index: number, rows: number, endMs: number): DecisionRecord {
  const random = scrambled(index);
  const who = random % IDENTITIES;
  const [namespace, serviceAccount] = [namespaceName(who), `service-${who}`];
  const identity = `spiffe://cluster.local/ns/${namespace}/sa/${serviceAccount}`;
  const timeMs = Math.floor(endMs - MONTH_MS * (1 - (index + 1) / rows));
  const key = KEYS[scrambled(who) % KEYS.length] ?? { type: 'ec-p256', bits: 0 };
  // A pod lives about as long as its deployment is not rolled out again.
  const pod = `${serviceAccount}-${(timeMs / (72 * HOUR_MS)).toFixed(0)}-${random % 3}`;
  const facts = {
    decisionId: index.toString(16).padStart(20, '0'),
    timeMs,
    api: 'csr',
    remoteAddress: `10.0.${random % 250}.${who % 250}:40000`,
    caller: identity,
    authenticationMethod: 'token',
    credentialId: 'https://kubernetes.default.svc.cluster.local',
    podName: pod,
    podUid: `uid-${pod}`,
    nodeName: `node-${random % 100}`,
    policyRevision: '0123456789abcdef',
    policy: traceOf(identity, namespace, key, who),
  } as const;
  if (random % 33 === 0) return refusal(facts, namespace);
  return {
    ...facts,
    outcome: 'issued',
    identity,
    serial: (random * 4_294_967_296 + index).toString(16),
    issuer: 'fedcba9876543210',
    notBeforeMs: timeMs - 60_000,
    notAfterMs: timeMs + 24 * HOUR_MS - (random % 3_600) * 1_000,
    keyType: formatKeyType(key),
  };
}

function traceOf(subject: string, namespace: string, key: PolicyTrace['key'], who: number): PolicyTrace {
  return {
    subject,
    class: 'workload',
    key,
    requestedTtlMs: 24 * HOUR_MS,
    ...(who % 10 === 0 && { actor: 'istio-system/ztunnel' }),
    issuer: 'default',
    bundle: 'corp@1',
    snapshot: 'fedcba9876543210',
    applied: ['central corp@1 mesh', `namespace ${namespace}/ingress`],
    objects: [{ kind: 'Ingress', namespace, name: 'web', uid: 'uid-web', resourceVersion: '12345' }],
  };
}

function refusal(
  { policy, ...facts }: Omit<DecisionRecord, 'outcome'> & { readonly policy: PolicyTrace },
  namespace: string,
): DecisionRecord {
  const failure = {
    reason: 'CAP-P12',
    layer: 'namespace',
    policy: `${namespace}/ingress`,
    field: 'spec.conditions.has-ingress',
    actual: 'there is none',
    allowed: `Ingress in ${namespace}`,
    change: 'Publish an Ingress for this service before it gets an identity',
    message: 'Publish an Ingress for this service before it gets an identity',
    contact: '#mesh',
    mayPassLater: true,
  } as const;
  const message = `CAP-P12 a policy condition is not met: ${namespace}/ingress`;
  return { ...facts, policy: { ...policy, failures: [failure] }, outcome: 'refused', reason: 'CAP-P12', message };
}

/** The index, scrambled: evenly spread 32 bits (the finalizer of MurmurHash3). */
function scrambled(index: number): number {
  let hash = Math.imul(index ^ (index >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
