// Identities that ended go on record in the shared journal by whoever holds its lease, as old records leave it.
import { hostname } from 'node:os';
import { AuthorityError } from '../../../../domain/errors.ts';
import type { ClosingJournal, ClosingRecord, FollowedUntil } from '../../../../ports/storage/closing-journal.ts';
import { asStored, TABLES } from '../../chain-records.ts';
import { closedPodFrom } from '../../closing-records.ts';
import { recordsAsJson, storedRecords } from '../../storable-json.ts';
import type { PostgresConnection } from '../connection/postgres-connection.ts';
import type { PostgresPool } from '../connection/postgres-pool.ts';
import { SELECT_CLOSED } from '../reading/closing-statements.ts';
import { followedFrom, openedChainJson, placesJson, ServerChain, type NextLinks } from '../writing/server-chain.ts';
import { ADD_CLOSINGS, HOLD_LEASE, KEEP_FOLLOWED, openChain, selectFollowed } from '../writing/statements.ts';

interface Waits {
  readonly signal: AbortSignal;
}

export interface PostgresClosingsSettings {
  readonly leaseName: string;
  /** As of the journal. */
  readonly server?: string;
}

const OPEN_CHAIN = openChain('$1');
const SELECT_EARLIER = selectFollowed(TABLES.closing);

export class PostgresClosings implements ClosingJournal {
  readonly #database: Pick<PostgresPool, 'transaction'>;
  readonly #leaseName: string;
  readonly #chain: ServerChain;
  /** Settles when what was asked for before is done: links are computed one after the other. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(
    { database }: { readonly database: Pick<PostgresPool, 'transaction'> },
    { leaseName, server = hostname() }: PostgresClosingsSettings,
  ) {
    this.#database = database;
    this.#leaseName = leaseName;
    this.#chain = new ServerChain('closing', server);
  }

  async recordClosings(
    closings: readonly ClosingRecord[],
    followed: FollowedUntil | undefined,
    { epoch, signal }: { readonly epoch: number } & Waits,
  ): Promise<void> {
    const recording = this.#last.then(async () => {
      signal.throwIfAborted();
      return this.#recorded(closings, followed, epoch, { signal });
    });
    this.#last = recording.catch(() => undefined);
    return recording;
  }

  /** What fails may have been written all the same: the next links are of a new chain. */
  async #recorded(
    closings: readonly ClosingRecord[],
    followed: FollowedUntil | undefined,
    epoch: number,
    options: Waits,
  ): Promise<void> {
    try {
      const links = await this.#database.transaction(async (connection) => {
        const held = await connection.query({ text: HOLD_LEASE, values: [this.#leaseName, epoch] });
        if (held.length === 0) throw new AuthorityError('CAP-S04', { detail: 'the lease of the journal is over' });
        const written = closings.length === 0 ? undefined : await this.#insert(connection, closings);
        if (followed === undefined) return written;
        const values = [followed.remoteCluster ?? '', Math.floor(followed.untilMs)];
        await connection.query({ text: KEEP_FOLLOWED, values, writes: 1 });
        return written;
      }, options);
      if (links !== undefined) this.#chain.written(links);
    } catch (cause) {
      this.#chain.abandon();
      throw cause;
    }
  }

  /** Of those that are there already none is a link; each is written again as it is. */
  async #insert(connection: PostgresConnection, closings: readonly ClosingRecord[]): Promise<NextLinks | undefined> {
    const json = recordsAsJson(closings);
    const fresh = await lacking(connection, storedRecords(json, closings).map(asStored));
    const values = [this.#chain.kind, this.#chain.server];
    this.#chain.follow(followedFrom(await connection.query({ text: SELECT_EARLIER, values })));
    const links = fresh.size === 0 ? undefined : this.#chain.next([...fresh.values()]);
    if (links !== undefined) await connection.query({ text: OPEN_CHAIN, values: [openedChainJson(links)] });
    const linkOf = new Map([...fresh.keys()].map((index, order) => [index, links?.places[order]]));
    const places = placesJson(closings.map((_, index) => linkOf.get(index)));
    const rows = await connection.query({ text: ADD_CLOSINGS, values: [json, places] });
    demandRecorded(rows.length, closings.length);
    if (rows.filter(({ added }) => added === true).length === fresh.size) return links;
    throw new AuthorityError('CAP-S04', { detail: 'another session recorded some of the closings meanwhile' });
  }
}

/** @returns by their index those that are not on record, each pod once. */
async function lacking(
  connection: PostgresConnection,
  closings: readonly ClosingRecord[],
): Promise<ReadonlyMap<number, ClosingRecord>> {
  const podUids = JSON.stringify(closings.map(({ podUid }) => podUid));
  const rows = await connection.query({ ...SELECT_CLOSED, values: [podUids] });
  const known = new Set(rows.map(closedPodFrom).map(keyOf));
  const fresh = new Map<number, ClosingRecord>();
  for (const [index, closing] of closings.entries()) {
    if (known.has(keyOf(closing))) continue;
    known.add(keyOf(closing));
    fresh.set(index, closing);
  }
  return fresh;
}

function keyOf({ podUid, serviceAccountUid = '', identity, remoteCluster = '' }: Partial<ClosingRecord>): string {
  return JSON.stringify([podUid, serviceAccountUid, identity, remoteCluster]);
}

function demandRecorded(recorded: number, count: number): void {
  if (recorded === count) return;
  const kept = `PostgreSQL kept ${recorded} of ${count} closings`;
  throw new AuthorityError('CAP-S04', {
    detail: `${kept}: take the triggers, rules and row policies off its tables`,
  });
}
