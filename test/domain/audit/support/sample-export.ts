// A journal of three chains as an export has it: decisions, operations and closings that look like real ones, heads that were
// made meanwhile, records from before there were chains, and the end.
import { generateKeyPairSync, sign } from 'node:crypto';
import {
  CHAIN_KINDS,
  linkDigest,
  openingPoint,
  type ChainKind,
  type ChainOpening,
  type ChainPoint,
} from '../../../../src/domain/audit/chain.ts';
import type { ChainRange } from '../../../../src/domain/audit/export-line.ts';
import { endLine, ExportWriter } from '../../../../src/domain/audit/export-writer.ts';
import { lastHeadOf, nextHead, type ChainState, type Head, type LastHead } from '../../../../src/domain/audit/head.ts';
import {
  readAuditKey,
  signedBytes,
  statementDigest,
  type AuditKey,
  type Signature,
  type StatementPurpose,
} from '../../../../src/domain/audit/statement.ts';

const START_MS = Date.UTC(2026, 0, 31, 12);

export interface HeadKey {
  readonly publicPem: string;
  readonly auditKey: AuditKey;
  readonly sign: (purpose: StatementPurpose, statement: object) => Signature;
}

export function headKey(): HeadKey {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const publicPem = publicKey.export({ type: 'spki', format: 'pem' });
  const auditKey = readAuditKey(publicPem);
  if ('problem' in auditKey) throw new Error(auditKey.problem);
  return {
    publicPem,
    auditKey,
    sign: (purpose, statement) => ({
      keyId: auditKey.keyId,
      algorithm: 'ecdsa-p256-sha256',
      signature: sign('sha256', signedBytes(purpose, statement), privateKey).toString('base64'),
    }),
  };
}

/** A journal in memory that is written to and exported. */
export class SampleJournal {
  readonly #key: HeadKey;
  readonly #more: object;
  #chains: { readonly opening: ChainOpening; readonly links: Linked[] }[];
  readonly #heads: Head[] = [];
  readonly #unchained: { readonly kind: ChainKind; readonly record: object }[] = [];
  #last: LastHead | undefined;
  readonly #removed = new Map<string, number>();
  #retentionMs: number | undefined;
  #nowMs = START_MS;

  /** @param more what heads and ends state beside what is known here. */
  constructor(key: HeadKey, more: object = {}) {
    this.#key = key;
    this.#more = more;
    this.#chains = CHAIN_KINDS.map((kind) => ({
      opening: { chain: `${kind}-00000001`, kind, server: 'capstan-0', openedMs: START_MS },
      links: [],
    }));
  }

  /** A decision, operation or closing that has not been there before. */
  append(kind: ChainKind): void {
    const chain = this.#chains.find(({ opening }) => opening.kind === kind)!;
    this.#nowMs += 1_000;
    const sequence = chain.links.length + 1;
    const record = RECORDS[kind](sequence, this.#nowMs);
    const previous = chain.links.at(-1) ?? openingPoint(chain.opening);
    const link = { kind, chain: chain.opening.chain, sequence, record };
    chain.links.push({ ...link, digest: linkDigest(previous.digest, link) });
  }

  /** A record of a server that knows no chains. */
  appendUnchained(): void {
    this.#unchained.push({ kind: 'decision', record: RECORDS.decision(0, START_MS - 1_000) });
  }

  /** As somebody does who may write to the database. */
  drop(kind: ChainKind): void {
    this.#chains = this.#chains.filter(({ opening }) => opening.kind !== kind);
  }

  /** Takes the first records of a chain and notes where it stopped: as retention does, or whoever says that it was retention. */
  remove(kind: ChainKind, through: number): void {
    const { opening } = this.#chains.find((chain) => chain.opening.kind === kind)!;
    this.#removed.set(opening.chain, through);
  }

  /** As somebody does who may write to the database: the oldest heads are gone, as if retention had taken them. */
  forgetHeads(count: number): void {
    this.#heads.splice(0, count);
  }

  /** As somebody does who may write to the database: the chain is said to be of another time. */
  reopen(kind: ChainKind, openedMs: number): void {
    this.#chains = this.#chains.map((chain) =>
      chain.opening.kind === kind ? { ...chain, opening: { ...chain.opening, openedMs } } : chain,
    );
  }

  /** While the server stands: a record, all that is linked to it, and no head that names any of those. */
  rewrite(kind: ChainKind, sequence: number): void {
    const { opening, links } = this.#chains.find((chain) => chain.opening.kind === kind)!;
    const { chain } = opening;
    const behind = links.splice(sequence - 1);
    for (const [index, { record }] of behind.entries()) {
      const { digest } = links.at(-1) ?? openingPoint(opening);
      const said = index === 0 ? { ...record, identity: 'spiffe://cluster.local/ns/shop/sa/mallory' } : record;
      const link = { kind, chain, sequence: links.length + 1, record: said };
      links.push({ ...link, digest: linkDigest(digest, link) });
    }
    const naming = this.#heads.findIndex(({ statement }) =>
      statement.chains.some((named) => named.chain === chain && named.sequence >= sequence),
    );
    if (naming !== -1) this.#heads.splice(naming);
    this.#last = undefined;
  }

  /** Retention takes what is older: ends that are signed from now on say so. */
  keep(retentionMs: number): void {
    this.#retentionMs = retentionMs;
  }

  /** Nothing is recorded meanwhile. */
  wait(ms: number): void {
    this.#nowMs += ms;
  }

  /** @returns the head that was made now. */
  makeHead(): Head {
    this.#nowMs += 1_000;
    const previous = this.#heads.at(-1);
    const next = nextHead(this.#states(), this.#last, {
      timeMs: this.#nowMs,
      trustDomain: 'cluster.local',
      cluster: 'kubernetes',
      server: 'capstan-0',
      ...(previous && {
        previous: { digest: statementDigest(previous.statement), timeMs: previous.statement.timeMs },
      }),
    });
    if (next === undefined) throw new Error('nothing has moved');
    const chains = next.chains.map((chain) => ({ ...chain, ...this.#more }));
    const statement = { ...next, chains, ...this.#more };
    this.#last = lastHeadOf(statement, this.#states(), this.#last);
    const head = { statement, ...this.#key.sign('head', statement) };
    this.#heads.push(head);
    return head;
  }

  /** @returns the lines, each without its line feed. */
  export({ end = 'signed' }: { readonly end?: 'signed' | 'unsigned' | 'none' } = {}): string[] {
    const writer = new ExportWriter();
    const states = this.#states();
    const lines = [
      writer.line({ kind: 'export', version: 1, timeMs: this.#nowMs }),
      ...states.map(({ opening, removed }) =>
        writer.line({ kind: 'chain', opening, after: removed ?? openingPoint(opening), ...(removed && { removed }) }),
      ),
      ...this.#heads.map((head) => writer.line({ kind: 'head', ...head })),
      ...this.#chains.flatMap(({ opening, links }) =>
        links.slice(this.#removed.get(opening.chain) ?? 0).map((link) => writer.line(link)),
      ),
      ...this.#unchained.map((line) => writer.line(line)),
    ];
    const keptSinceMs = this.#retentionMs === undefined ? undefined : this.#nowMs - this.#retentionMs;
    const facts = { timeMs: this.#nowMs, chains: states.map(rangeOf) };
    const isSigned = end === 'signed' && keptSinceMs !== undefined;
    const statement = { ...writer.end({ ...facts, ...(isSigned && { keptSinceMs }) }), ...this.#more };
    if (end === 'signed') lines.push(endLine(statement, this.#key.sign('export', statement)));
    if (end === 'unsigned') lines.push(endLine(statement));
    return lines.map((line) => line.trimEnd());
  }

  #states(): readonly ChainState[] {
    return this.#chains.map(({ opening, links }) => {
      const removed = pointOf(links[(this.#removed.get(opening.chain) ?? 0) - 1]);
      return {
        opening,
        last: pointOf(links.at(-1)) ?? openingPoint(opening),
        lastMs: links.at(-1)?.record.timeMs ?? opening.openedMs,
        ...(removed && { removed }),
      };
    });
  }
}

interface Linked extends ChainPoint {
  readonly kind: ChainKind;
  readonly chain: string;
  readonly record: Recorded;
}

type Recorded = object & { readonly timeMs: number };

function pointOf(link: Linked | undefined): ChainPoint | undefined {
  return link && { sequence: link.sequence, digest: link.digest };
}

function rangeOf({ opening, last, removed = openingPoint(opening) }: ChainState): ChainRange {
  const { chain, kind } = opening;
  return { chain, kind, after: removed, through: last, last: last.sequence };
}

/** As the journal has them, with the fields that a SIEM looks for. */
export const RECORDS: Readonly<Record<ChainKind, (number: number, timeMs: number) => Recorded>> = {
  decision: (number, timeMs) => ({
    decisionId: `018f${number.toString(16).padStart(28, '0')}`,
    timeMs,
    outcome: 'issued',
    api: 'csr',
    remoteAddress: '192.0.2.7:40000',
    caller: `spiffe://cluster.local/ns/shop/sa/cart-${number % 100}`,
    authenticationMethod: 'token',
    podName: `cart-${number}`,
    podUid: `00000000-0000-4000-8000-${number.toString(16).padStart(12, '0')}`,
    nodeName: `node-${number % 50}`,
    cluster: 'kubernetes',
    policyRevision: '6f'.repeat(32),
    policy: {
      subject: `spiffe://cluster.local/ns/shop/sa/cart-${number % 100}`,
      class: 'workload',
      key: { type: 'ec-p256', bits: 0 },
      requestedTtlMs: 86_400_000,
      issuer: 'default',
      bundle: 'corp@12',
      snapshot: 'ab'.repeat(16),
      applied: ['bundle rules[0]', 'cluster workloads'],
    },
    identity: `spiffe://cluster.local/ns/shop/sa/cart-${number % 100}`,
    serial: `${number.toString(16)}f00d`,
    issuer: '0123456789abcdef',
    issuerName: 'default',
    trustAnchor: 'cd'.repeat(32),
    notBeforeMs: timeMs,
    notAfterMs: timeMs + 86_400_000,
    keyType: 'ec-p256',
  }),
  operation: (number, timeMs) => ({
    timeMs,
    operation: 'issuer suspend',
    was: 'active',
    is: 'suspended',
    details: {
      actor: `URI:spiffe://corp.example/ops/alice-${number}`,
      role: 'security',
      reason: 'café \u2603 is closed',
    },
  }),
  closing: (number, timeMs) => ({
    timeMs,
    identity: 'spiffe://cluster.local/ns/shop/sa/cart',
    reason: 'pod_deleted',
    cluster: 'kubernetes',
    namespace: 'shop',
    podName: `cart-${number}`,
    podUid: `00000000-0000-4000-8000-${number.toString(16).padStart(12, '0')}`,
    liveCertificates: 1,
    latestEndMs: timeMs + 3_600_000,
    serials: ['f00d'],
  }),
};
