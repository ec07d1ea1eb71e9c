// Journals in the PostgreSQL of a test.
import assert from 'node:assert/strict';
import { SystemClock } from '../../../../src/adapters/clock/system-clock.ts';
import type { PostgresSettings } from '../../../../src/adapters/storage/postgres/connection/settings.ts';
import { PostgresJournal } from '../../../../src/adapters/storage/postgres/postgres-journal.ts';
import { AuthorityError } from '../../../../src/domain/errors.ts';
import type { Reason } from '../../../../src/domain/reasons.ts';
import { unstalledMs } from '../../../support/eventually.ts';
import type { PostgresCluster } from '../../../support/postgres/cluster.ts';
import { recordEvents, type RecordedEvents } from '../../../support/fakes/recorded-events.ts';

/** Of tests, which wait for it to pass. */
export const STATEMENT_TIMEOUT_MS = 1_000;

export function settingsOf(cluster: PostgresCluster, changes: Partial<PostgresSettings> = {}): PostgresSettings {
  const { user, host, port, database, caFile, passwordFile } = cluster;
  const own = { user, hosts: [{ host, port }], database, caFile, passwordFile };
  return { ...own, maxConnections: 4, statementTimeout: STATEMENT_TIMEOUT_MS, ...changes };
}

export interface StartedJournal extends AsyncDisposable {
  readonly journal: PostgresJournal;
  readonly events: RecordedEvents;
}

export async function startJournal(
  cluster: PostgresCluster,
  changes: Partial<PostgresSettings> = {},
  signal: AbortSignal = new AbortController().signal,
): Promise<StartedJournal> {
  const events = recordEvents();
  const journal = new PostgresJournal(
    { clock: new SystemClock(), events },
    { ...settingsOf(cluster, changes), trust: 'cluster.local' },
  );
  try {
    await journal.start({ signal });
  } catch (error) {
    await journal[Symbol.asyncDispose]();
    throw error;
  }
  return { journal, events, [Symbol.asyncDispose]: async () => journal[Symbol.asyncDispose]() };
}

/** @returns how long it took, as `unstalledMs` measures. */
export async function isRefused(work: Promise<unknown>, reason: Reason, words = /./): Promise<number> {
  return unstalledMs(async () =>
    assert.rejects(work, (error: unknown) => {
      assert.ok(error instanceof AuthorityError, String(error));
      assert.equal(error.reason, reason, error.message);
      const { cause } = error;
      assert.match(`${error.message} ${cause instanceof Error ? cause.message : ''}`, words);
      return true;
    }),
  );
}
