// An inventory of a month as a large mesh leaves it: pods that come and go of 20,000 services in two clusters, those that live strewn among
// those that ended, and one account that had one pod in twenty. Made by the databases themselves, which takes them minutes; the same
// numbers give the same entries.
import { ENTRY_COLUMNS, type EntryField } from '../../../src/adapters/storage/inventory/entry-rows.ts';
import type { Dialect } from '../../bench/rows/list/bulk.ts';

const MINUTE_MS = 60_000;
export const HOUR_MS = 60 * MINUTE_MS;
const LIFE_MS = 24 * HOUR_MS;
const SERVICES = 20_000;
const NAMESPACES = 500;
const NODES = 5_000;
/** Odd, so that each number gives another one below 2^32; divided, their upper bits look like chance. */
const MIXED = { h: 2_654_435_761, g: 1_597_334_677 } as const;
export const ANCHORS = { common: 'ab'.repeat(32), rare: 'cd'.repeat(32) } as const;
export const ISSUERS = { common: 'fedcba9876543210', rare: '0123456789abcdef' } as const;
export const REVISIONS = { common: '1111111111111111', rare: '2222222222222222' } as const;
/** One in so many is of the rare issuer, and of the rare revision. */
const RARE = 2_000;
const BUNDLE = 'ef'.repeat(32);
export const BUSY = { namespace: 'team-ci', serviceAccount: 'runner' } as const;

export interface Sizes {
  readonly ended: number;
  readonly live: number;
}

/** @returns SQL that fills the tables of entries and of certificates. @param nowMs by which they live or ended. */
export function insertEntries({ ended, live }: Sizes, nowMs: number, dialect: Dialect): readonly string[] {
  const all = ended + live;
  const { numbers, integer, hex } = dialect;
  const wide = `CAST(i AS ${integer})`;
  const mixed = Object.entries(MIXED).map(([name, factor]) => `${wide} * ${factor} % 4294967296 AS ${name}`);
  const lives = `(${wide} + 1) * ${live} / ${all} > ${wide} * ${live} / ${all}`;
  // One in fifty of those that live is late; the others spread over a little more than the half of their lives.
  const living = `CASE WHEN h / 512 % 50 = 0 THEN ${18.5 * HOUR_MS} + g / 256 % ${4 * HOUR_MS} ELSE g / 64 % ${14 * HOUR_MS} END`;
  const endedMs = `${nowMs - MINUTE_MS} - g / 16 * 10 % ${30 * 24 * HOUR_MS}`;
  const columns: Readonly<Record<EntryField, string>> = {
    identity: `'spiffe://cluster.local/ns/' || ns || '/sa/' || sa`,
    cluster: `CASE WHEN g / 1024 % 5 = 0 THEN 'west' ELSE 'east' END`,
    podUid: `${hex('h', 8)} || '-0000-4000-8000-' || ${hex('i', 12)}`,
    class: `'workload'`,
    namespace: 'ns',
    podName: `sa || '-' || ${hex('h', 8)}`,
    nodeName: `'node-' || (g / 4096 % ${NODES})`,
    relay: 'NULL',
    api: `'csr'`,
    authenticationMethod: `'token'`,
    decisionId: hex('i', 20),
    proofId: hex('i', 20),
    serial: `'7f' || ${hex('h', 8)} || ${hex('i', 22)}`,
    issuer: `CASE WHEN i % ${RARE} = 9 THEN '${ISSUERS.rare}' ELSE '${ISSUERS.common}' END`,
    issuerName: `'default'`,
    trustAnchor: `CASE WHEN i % ${RARE} = 9 THEN '${ANCHORS.rare}' ELSE '${ANCHORS.common}' END`,
    policyRevision: `CASE WHEN i % ${RARE} = 9 THEN '${REVISIONS.rare}' ELSE '${REVISIONS.common}' END`,
    bundle: `'${BUNDLE}'`,
    issuedMs: 'issued',
    notBeforeMs: `issued - ${MINUTE_MS}`,
    notAfterMs: `issued + ${LIFE_MS}`,
    renewalMs: `issued + ${LIFE_MS / 2}`,
    overdueMs: `issued + ${(LIFE_MS * 3) / 4}`,
    endedMs: 'gone',
    endReason: `CASE WHEN gone = issued + ${LIFE_MS} THEN 'expired' WHEN gone IS NOT NULL THEN 'pod_deleted' END`,
  };
  const fields = Object.keys(columns) as EntryField[];
  return [
    `INSERT INTO inventory_entries (${fields.map((field) => ENTRY_COLUMNS[field]).join(', ')})
      SELECT ${fields.map((field) => columns[field]).join(', ')}
      FROM (SELECT *, CASE WHEN lives THEN ${nowMs} - (${living})
          WHEN h / 4096 % 2 = 0 THEN ended - ${LIFE_MS} ELSE ended - ${6 * HOUR_MS} END AS issued,
          CASE WHEN NOT lives THEN ended END AS gone
        FROM (SELECT *, CASE WHEN i % 20 = 7 THEN '${BUSY.namespace}' ELSE 'team-' || (h / 2048 % ${SERVICES} % ${NAMESPACES}) END AS ns,
            CASE WHEN i % 20 = 7 THEN '${BUSY.serviceAccount}' ELSE 'service-' || (h / 2048 % ${SERVICES}) END AS sa,
            ${endedMs} AS ended
          FROM (SELECT i, ${mixed.join(', ')}, ${lives} AS lives FROM ${numbers(all)} AS n) AS numbered) AS named) AS dated`,
    // The newest certificate of each that lives, and of every second one the one before.
    `INSERT INTO inventory_certificates (serial, entry, not_after_ms)
      SELECT serial, id, not_after_ms FROM inventory_entries WHERE ended_ms IS NULL`,
    `INSERT INTO inventory_certificates (serial, entry, not_after_ms)
      SELECT '6e' || serial, id, not_after_ms - ${LIFE_MS / 2} FROM inventory_entries
      WHERE ended_ms IS NULL AND id % 2 = 0 AND not_after_ms > ${nowMs + LIFE_MS / 2}`,
  ];
}

/** @returns what the entries of a number are called, as `insertEntries` calls them. */
export function namesOf(
  number: number,
): Readonly<Record<'identity' | 'namespace' | 'podName' | 'nodeName' | 'serial', string>> {
  const [h, g] = [MIXED.h, MIXED.g].map((factor) => Number((BigInt(number) * BigInt(factor)) % 4_294_967_296n));
  const service = Math.floor(h! / 2_048) % SERVICES;
  const isBusy = number % 20 === 7;
  const namespace = isBusy ? BUSY.namespace : `team-${service % NAMESPACES}`;
  const account = isBusy ? BUSY.serviceAccount : `service-${service}`;
  const hex = (value: number, digits: number): string => value.toString(16).padStart(digits, '0');
  return {
    identity: `spiffe://cluster.local/ns/${namespace}/sa/${account}`,
    namespace,
    podName: `${account}-${hex(h!, 8)}`,
    nodeName: `node-${Math.floor(g! / 4_096) % NODES}`,
    serial: `7f${hex(h!, 8)}${hex(number, 22)}`,
  };
}

/** @returns whether it lives. */
export function livesOf(number: number, { ended, live }: Sizes): boolean {
  const [one, all, living] = [BigInt(number), BigInt(ended + live), BigInt(live)];
  return ((one + 1n) * living) / all > (one * living) / all;
}

/** @returns SQL that has a proxy of each that lives acknowledge a bundle, read out of `entries` and in the order of the columns. */
export function proxiesOf(entries: string, nowMs: number): string {
  return `SELECT identity, CASE WHEN cluster = 'east' THEN '' ELSE cluster END, pod_uid, 'sidecar', '${BUNDLE}', ${nowMs}, ${nowMs},
    NULL, NULL, trust_anchor, not_after_ms FROM ${entries} WHERE ended_ms IS NULL`;
}
