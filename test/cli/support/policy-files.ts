// A folder with policies, manifests and a journal, and the command line run in it: what a pipeline has at hand.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { JournalWriter } from '../../../src/adapters/storage/sqlite/writing/journal-writer.ts';
import { runCli } from '../../../src/cli/program.ts';
import type {
  DecisionRecord,
  IssuedRecord,
  PolicyTrace,
  RefusedRecord,
} from '../../../src/ports/storage/issuance-journal.ts';
import { FakeClock, NOON_MS } from '../../support/fakes/fake-clock.ts';
import { recordTerminal } from './recorded-terminal.ts';

export const HOUR_MS = 3_600_000;

/** Grants EC and RSA keys for a day to everybody in `shop` and `team-*`, and nothing else. */
export const BUNDLE = `apiVersion: capstan.dev/v1alpha1
kind: PolicyBundle
metadata: { name: corp, sequence: 7 }
owner: { team: security, contact: "#pki" }
rules:
  - id: mesh
    match: { namespaces: { names: [shop, "team-*"] } }
    bounds:
      trustDomains: [cluster.local]
      spiffeId: "spiffe://{trustDomain}/ns/{namespace}/sa/{serviceAccount}"
      ttl: { max: 24h }
      keys: [ec-p256, ec-p384, "rsa>=2048"]
      usages: [digitalSignature, keyEncipherment, serverAuth, clientAuth]
`;

/** @param spec YAML in flow style. */
export function issuancePolicy(spec: string, { namespace = 'shop', name = 'local' } = {}): string {
  return `apiVersion: capstan.dev/v1alpha1
kind: IssuancePolicy
metadata: { name: ${name}, namespace: ${namespace} }
spec: ${spec}
`;
}

export interface Run {
  readonly code: number;
  readonly out: string;
  readonly error: string;
}

export class PolicyFiles implements AsyncDisposable {
  readonly folder: string;

  private constructor(folder: string) {
    this.folder = folder;
  }

  static async make(files: Readonly<Record<string, string>>, records: readonly DecisionRecord[]): Promise<PolicyFiles> {
    const made = new PolicyFiles(await mkdtemp(path.join(tmpdir(), 'capstan-policy-')));
    for (const [name, text] of Object.entries(files)) await made.write(name, text);
    const writer = new JournalWriter({ file: made.path('journal.db') });
    writer.append(records);
    writer.close();
    return made;
  }

  path(name: string): string {
    return path.join(this.folder, name);
  }

  async write(name: string, text: string): Promise<void> {
    await mkdir(path.dirname(this.path(name)), { recursive: true });
    await writeFile(this.path(name), text);
  }

  /** @param words of a command line; `@name` stands for the file of that name. */
  async run(...words: readonly string[]): Promise<Run> {
    const { terminal, out, error } = recordTerminal();
    const code = await runCli(
      words.map((word) => (word.startsWith('@') ? this.path(word.slice(1)) : word)),
      { terminal, environment: {}, clock: new FakeClock(), signal: new AbortController().signal },
    );
    return { code, out: out(), error: error() };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.folder, { recursive: true });
  }
}

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
