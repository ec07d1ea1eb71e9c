// What is read of a backup, once it has proved whole.
import { z } from 'zod';
import { AuthorityError } from '../../../domain/errors.ts';
import { parseJson } from '../../../domain/text/parse-json.ts';
import type { RollbackState } from '../../../ports/policy/policy-bundle-state.ts';
import type { EvidenceNotes } from '../../../ports/storage/evidence.ts';
import { openForReading } from '../sqlite/file/journal-file.ts';
import { journalProblem } from '../sqlite/file/journal-problem.ts';
import { SqliteJournalReader } from '../sqlite/sqlite-journal-reader.ts';
import type { CopiedStore, KeptIssuer } from './copied-store.ts';
import { evidenceIn } from './kept-evidence.ts';
import { issuersIn } from './kept-issuers.ts';
import { ledgersIn, type KeptLedgers } from './kept-ledgers.ts';

const stateSchema = z.object({
  name: z.string().min(1),
  sequence: z.int().min(0),
  digest: z.string().regex(/^[0-9a-f]{64}$/),
  latestSeenMs: z.int().min(0),
});

interface BackupContents extends Omit<CopiedStore, 'ledgers'> {
  readonly ledgers: readonly KeptLedgers[];
  readonly madeAtMs: number;
  readonly decisions: number;
  readonly bundleState: RollbackState | undefined;
}

/** @throws AuthorityError CAP-X03 naming a file that is missing, damaged, no backup, or of a newer version. */
export async function openBackup(file: string, options: { readonly signal: AbortSignal }): Promise<BackupContents> {
  const { madeAtMs, decisions, state, issuers, evidence, ledgers } = wholeBackup(file);
  const reader = await SqliteJournalReader.open(file, options);
  return {
    reader,
    madeAtMs,
    decisions,
    bundleState: state,
    issuers: async () => issuers,
    evidence: async () => evidence,
    ledgers,
    async [Symbol.asyncDispose]() {
      reader[Symbol.dispose]();
    },
  };
}

interface Whole {
  readonly madeAtMs: number;
  readonly decisions: number;
  readonly state: RollbackState | undefined;
  readonly issuers: readonly KeptIssuer[];
  readonly evidence: EvidenceNotes;
  readonly ledgers: readonly KeptLedgers[];
}

function wholeBackup(file: string): Whole {
  try {
    const opened = openForReading(file);
    const { database } = opened;
    using open = new DisposableStack();
    open.defer(() => database.close());
    if (database.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'backup'").get() === undefined) {
      throw new AuthorityError('CAP-X03', { detail: `${file} is a journal, and no backup of one` });
    }
    const checked = database.prepare('PRAGMA quick_check(1)').get()?.['quick_check'];
    const row = database.prepare('SELECT made_at_ms, decisions, bundle_state FROM backup').get();
    const count = database.prepare('SELECT count(*) AS count FROM decisions').get()?.['count'];
    if (checked !== 'ok' || row === undefined || row['decisions'] !== count) throw damaged(file);
    const state = row['bundle_state'] === null ? undefined : stateFrom(file, String(row['bundle_state']));
    const { made_at_ms: madeAtMs, decisions } = row;
    return {
      madeAtMs: Number(madeAtMs),
      decisions: Number(decisions),
      state,
      issuers: issuersIn(database),
      evidence: evidenceIn(opened),
      ledgers: ledgersIn(database, file),
    };
  } catch (cause) {
    throw cause instanceof AuthorityError ? cause : journalProblem(file, cause).toOpeningError();
  }
}

function stateFrom(file: string, text: string): RollbackState {
  const parsed = stateSchema.safeParse(parseJson(text));
  if (!parsed.success) throw damaged(file);
  return parsed.data;
}

function damaged(file: string): AuthorityError {
  return new AuthorityError('CAP-X03', { detail: `the backup ${file} is damaged: take another one` });
}
