// Making a backup of a store, and putting one back. Decisions go over a batch at a time, so it takes no memory. Of rollback
// states the newer counts: no restore lets an older policy bundle in.
import type { PolicyBundleState, RollbackState } from '../../../ports/policy/policy-bundle-state.ts';
import type { EvidenceNotes } from '../../../ports/storage/evidence.ts';
import { openBackup } from './backup-contents.ts';
import { BackupFile } from './backup-file.ts';
import type { CopiedStore, RestoredStore } from './copied-store.ts';

interface Waits {
  readonly signal: AbortSignal;
}

/** Decisions that are handed over at once, each batch in a transaction. */
const BATCH = 1_000;
/** More than operators do: a store keeps all of them. */
const ALL_OPERATIONS = 100_000;

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
  for await (const record of store.reader.scan({}, { signal })) {
    backup.append(record);
    if (backup.decisions % BATCH === 0) reach(backup.decisions, total);
  }
  for await (const closing of store.reader.scanClosings({ signal })) backup.appendClosing(closing);
  // What follows is newer than the decisions, and may be.
  const [issuers, evidence, ledgers, operations, state] = await Promise.all([
    store.issuers({ signal }),
    store.evidence({ signal }),
    store.ledgers({ signal }),
    store.reader.operations({ limit: ALL_OPERATIONS }, { signal }),
    bundleState?.read({ signal }),
  ]);
  signal.throwIfAborted();
  backup.finish({
    madeAtMs: nowMs,
    operations: operations.toReversed(),
    issuers,
    evidence,
    ledgers,
    bundleState: state,
  });
  const { decisions, closings } = backup;
  const bans = ledgers.reduce((count, { bans: one }) => count + one.bans.length, 0);
  return { decisions, closings, operations: operations.length, issuers: issuers.length, bans, bundleState: state };
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
  const operations = await backup.reader.operations({ limit: ALL_OPERATIONS }, options);
  const addedOperations = await store.addOperations(operations.toReversed(), options);
  let [done, added] = [0, 0];
  for await (const batch of batches(backup.reader.scan({}, options))) {
    added += await store.addDecisions(batch, options);
    done += batch.length;
    reach(done, backup.decisions);
  }
  let closings = 0;
  for await (const batch of batches(backup.reader.scanClosings(options))) {
    closings += await store.addClosings(batch, options);
  }
  return { decisions: added, closings, operations: addedOperations, issuers: issuers.length, bans, bundleState: state };
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

async function* batches<T>(records: AsyncIterable<T>): AsyncGenerator<readonly T[], void> {
  let batch: T[] = [];
  for await (const record of records) {
    batch.push(record);
    if (batch.length < BATCH) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}
