// Making a backup of a store, and putting one back. Decisions go over a batch at a time, so it takes no memory. Of rollback
// states the newer counts: no restore lets an older policy bundle in.
import type { PolicyBundleState, RollbackState } from '../../../ports/policy/policy-bundle-state.ts';
import type { EvidenceNotes } from '../../../ports/storage/evidence.ts';
import type { AuditHeadReader, KeptHead } from '../../../ports/audit/audit-heads.ts';
import type { ChainKind } from '../../../domain/audit/chain.ts';
import { openBackup } from './backup-contents.ts';
import { BackupFile } from './backup-file.ts';
import type { CopiedStore, RestoredStore } from './copied-store.ts';
import { placedRecords, type PlacedRecord } from './placed-records.ts';

interface Waits {
  readonly signal: AbortSignal;
}

/** Decisions that are handed over at once, each batch in a transaction. */
const BATCH = 1_000;

export interface Copied {
  readonly decisions: number;
  readonly operations: number;
  readonly closings: number;
  readonly issuers: number;
  readonly bans: number;
  /** As it is in the backup, or in force after a restore. */
  readonly bundleState: RollbackState | undefined;
}

export interface Copying {
  readonly file: string;
  /** Where the rollback state of policy bundles is; none where bundles are unsigned, or nobody said. */
  readonly bundleState: Pick<PolicyBundleState, 'read' | 'update'> | undefined;
  /** The trust domain, where a configuration says it. */
  readonly trust?: string | undefined;
  /** Told how many decisions there are, and now and then how many are done. */
  readonly reach: (done: number, total: number) => void;
}

/**
 * Makes the file; while servers write the store, what they record meanwhile is not in it.
 * @throws AuthorityError CAP-X03, CAP-S04; the signal's reason. Then there is no file.
 */
export async function backUp(
  store: CopiedStore,
  { file, bundleState, reach }: Copying,
  { nowMs, signal }: Waits & { readonly nowMs: number },
): Promise<Copied> {
  using backup = new BackupFile(file);
  const total = await store.reader.count({}, { signal });
  {
    // Before the records are: so none is of records that the backup has not.
    for await (const head of store.reader.heads({}, { signal })) backup.keepHead(head);
    await using chains = await store.reader.chainsNow({ signal });
    backup.keepChains(await chains.chains({ signal }));
    for await (const { kind, ...placed } of placedRecords(chains, { signal })) {
      backup.append(kind, placed);
      if (kind === 'decision' && backup.counts.decision % BATCH === 0) reach(backup.counts.decision, total);
    }
  }
  // What follows is newer than the records, and may be.
  const [issuers, evidence, ledgers, state] = await Promise.all([
    store.issuers({ signal }),
    store.evidence({ signal }),
    store.ledgers({ signal }),
    bundleState?.read({ signal }),
  ]);
  signal.throwIfAborted();
  backup.finish({
    madeAtMs: nowMs,
    issuers,
    evidence,
    ledgers,
    bundleState: state,
  });
  const { decision: decisions, operation: operations, closing: closings } = backup.counts;
  const bans = ledgers.reduce((count, { bans: one }) => count + one.bans.length, 0);
  return { decisions, closings, operations, issuers: issuers.length, bans, bundleState: state };
}

/**
 * Adds what the store lacks. What forbids goes first, then what would stop the store's certificates from being renewed, or let
 * an older bundle in: one that is interrupted is done by being done again.
 * @throws AuthorityError CAP-X03, CAP-S04; the signal's reason.
 */
export async function restore(
  store: RestoredStore,
  { file, bundleState, trust, reach }: Copying,
  options: Waits,
): Promise<Copied> {
  await using backup = await openBackup(file, options);
  const bans = await store.addLedgers(backup.ledgers, { ...options, trust });
  const state = await bundleState?.update((known) => newerState(known, backup.bundleState), options);
  const issuers = await backup.issuers(options);
  await store.addIssuers(issuers, options);
  await addEvidence(store, await backup.evidence(options), options);
  await using chains = await backup.reader.chainsNow(options);
  await store.addChains(await chains.chains(options), options);
  const added = { decision: 0, operation: 0, closing: 0 };
  let done = 0;
  for await (const { kind, batch } of batches(placedRecords(chains, options))) {
    added[kind] += await store.addRecords(kind, batch, options);
    if (kind !== 'decision') continue;
    done += batch.length;
    reach(done, backup.decisions);
  }
  await addHeads(store, backup.reader, options);
  const { decision: decisions, operation: operations, closing: closings } = added;
  return { decisions, closings, operations, issuers: issuers.length, bans, bundleState: state };
}

/**
 * After the records that they name. Each names the one before it: they go behind the newest of the store where that is one of them,
 * and into no store that has others, whose own go on.
 */
async function addHeads(store: RestoredStore, backup: AuditHeadReader, options: Waits): Promise<void> {
  const newest = await store.newestHead(options);
  let isBehind = newest === undefined;
  let batch: KeptHead[] = [];
  for await (const head of backup.heads({}, options)) {
    if (isBehind) batch.push(head);
    if (head.digest === newest) isBehind = true;
    if (batch.length < BATCH) continue;
    await store.addHeads(batch, options);
    batch = [];
  }
  await store.addHeads(batch, options);
}

async function addEvidence(store: RestoredStore, { bundles, proxies }: EvidenceNotes, options: Waits): Promise<void> {
  await store.addEvidence({ bundles, proxies: [] }, options);
  for (let first = 0; first < proxies.length; first += BATCH) {
    await store.addEvidence({ bundles: [], proxies: proxies.slice(first, first + BATCH) }, options);
  }
}

/** Sequences are counted by name: what is known under another name stays, and so does the latest time of both. */
function newerState(known: RollbackState | undefined, kept: RollbackState | undefined): RollbackState | undefined {
  if (kept === undefined || known === undefined) return kept;
  const latestSeenMs = Math.max(known.latestSeenMs, kept.latestSeenMs);
  const newer = kept.name === known.name && kept.sequence > known.sequence ? kept : known;
  return { ...newer, latestSeenMs };
}

/** Of one kind each, in the order in which they come. */
async function* batches(
  records: AsyncIterable<PlacedRecord & { readonly kind: ChainKind }>,
): AsyncGenerator<{ readonly kind: ChainKind; readonly batch: readonly PlacedRecord[] }, void> {
  let batch: PlacedRecord[] = [];
  let last: ChainKind = 'decision';
  for await (const { kind, ...placed } of records) {
    if (batch.length === BATCH || (batch.length > 0 && kind !== last)) {
      yield { kind: last, batch };
      batch = [];
    }
    batch.push(placed);
    last = kind;
  }
  if (batch.length > 0) yield { kind: last, batch };
}
