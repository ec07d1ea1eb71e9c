// The ledger of issuers in a file beside the journal, which one process has: the only one of a server, or the supervisor of
// several. With the ledger the file keeps the records of operations that the journal does not have yet.
import { z } from 'zod';
import { AuthorityError } from '../../../domain/errors.ts';
import { parseJson } from '../../../domain/text/parse-json.ts';
import { NO_LEDGER, type IssuerLedger } from '../../../domain/trust/issuer-ledger.ts';
import type { OperationRecord } from '../../../ports/storage/operation-journal.ts';
import { ledgerFrom, ledgerSchema } from '../issuer-ledger-json.ts';
import { readSmallFile, replaceSmallFile } from '../slots/small-file.ts';
import { journalProblem } from '../sqlite/file/journal-problem.ts';

/** What the file holds. */
export interface KeptLedger {
  readonly revision: number;
  readonly ledger: IssuerLedger;
  /** Oldest first: few, for who cannot record changes nothing further. */
  readonly unrecorded: readonly OperationRecord[];
}

/** The file, as who has it sees it, or as others ask for it. */
export interface LedgerFile {
  /** What an operator calls it. */
  readonly place: string;
  read(options: { readonly signal: AbortSignal }): Promise<KeptLedger>;
  /** @returns false when the file has another revision than the one before `next`. */
  replace(next: KeptLedger, options: { readonly signal: AbortSignal }): Promise<boolean>;
}

const HEAD = { apiVersion: 'capstan.dev/v1alpha1', kind: 'IssuerLedger' } as const;
const schema = z.strictObject({
  apiVersion: z.literal(HEAD.apiVersion),
  kind: z.literal(HEAD.kind),
  revision: z.int().min(1),
  ledger: ledgerSchema,
  unrecorded: z.array(
    z.strictObject({
      timeMs: z.int(),
      operation: z.string(),
      was: z.string(),
      is: z.string(),
      details: z.record(z.string(), z.union([z.string(), z.number()])).optional(),
    }),
  ),
});

/** Of the ledger that belongs to a store. @param store the journal's file. */
export function ledgerFileOf(store: string): string {
  return `${store}.issuers`;
}

export class FileIssuerLedger implements LedgerFile {
  readonly place: string;
  /** Present once the file was read: nobody else writes it. */
  #kept: KeptLedger | undefined;

  /** @param file is made by the first change, readable by this user alone. */
  constructor(file: string) {
    this.place = file;
  }

  async read({ signal }: { readonly signal: AbortSignal }): Promise<KeptLedger> {
    signal.throwIfAborted();
    return (this.#kept ??= this.#asked(() => parse(readSmallFile(this.place), this.place)));
  }

  /** Operators' acts are rare, and each waits for the disk. */
  async replace(next: KeptLedger, options: { readonly signal: AbortSignal }): Promise<boolean> {
    await this.read(options);
    // From here to the end nobody else's change comes between.
    if (this.#kept === undefined || next.revision !== this.#kept.revision + 1) return false;
    this.#asked(() => replaceSmallFile(this.place, `${JSON.stringify({ ...HEAD, ...next }, undefined, 2)}\n`));
    this.#kept = next;
    return true;
  }

  #asked<T>(work: () => T): T {
    try {
      return work();
    } catch (cause) {
      if (cause instanceof AuthorityError) throw cause;
      throw new AuthorityError('CAP-S04', { detail: journalProblem(this.place, cause).message, cause });
    }
  }
}

function parse(text: string | undefined, file: string): KeptLedger {
  if (text === undefined) return { revision: 0, ledger: NO_LEDGER, unrecorded: [] };
  const parsed = schema.safeParse(parseJson(text));
  if (parsed.success) {
    const { revision, ledger, unrecorded } = parsed.data;
    return { revision, ledger: ledgerFrom(ledger), unrecorded: unrecorded as unknown as readonly OperationRecord[] };
  }
  const advice = 'restore it; without it issuers that were suspended, tainted or retired would sign again';
  throw new AuthorityError('CAP-X03', { detail: `${file} is not the ledger of issuers; ${advice}` });
}
