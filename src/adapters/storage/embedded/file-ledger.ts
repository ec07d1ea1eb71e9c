// A ledger in a file beside the journal, which one process has: the only one of a server, or the supervisor of several. With
// the ledger the file keeps the records of operations that the journal does not have yet.
import { z } from 'zod';
import { AuthorityError } from '../../../domain/errors.ts';
import { parseJson } from '../../../domain/text/parse-json.ts';
import type { OperationRecord } from '../../../ports/storage/operation-journal.ts';
import { ledgerIn, writtenLedger, type LedgerForm } from '../ledgers/ledger-form.ts';
import { readSmallFile, replaceSmallFile } from '../slots/small-file.ts';
import { journalProblem } from '../sqlite/file/journal-problem.ts';

interface Waits {
  readonly signal: AbortSignal;
}

export interface LedgerHead {
  readonly revision: number;
  /** Oldest first: few, for who cannot record changes nothing further. */
  readonly unrecorded: readonly OperationRecord[];
}

/** What the file holds. */
export interface KeptLedger<L> extends LedgerHead {
  readonly ledger: L;
}

/** The file, as who has it sees it, or as others ask for it. */
export interface LedgerFile<L> {
  /** What an operator calls it. */
  readonly place: string;
  /** Of what the file holds, what costs the same however long the ledger is. */
  head(options: Waits): Promise<LedgerHead>;
  read(options: Waits): Promise<KeptLedger<L>>;
  /**
   * @returns false when the file has another revision than the one before `next`.
   * @throws AuthorityError CAP-O02 for what could not be read again.
   */
  replace(next: KeptLedger<L>, options: Waits): Promise<boolean>;
}

const API_VERSION = 'capstan.dev/v1alpha1';
const schema = z.strictObject({
  apiVersion: z.literal(API_VERSION),
  kind: z.string(),
  revision: z.int().min(1),
  ledger: z.unknown(),
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
export function ledgerFileOf(store: string, { fileSuffix }: Pick<LedgerForm<unknown>, 'fileSuffix'>): string {
  return `${store}${fileSuffix}`;
}

export class FileLedger<L> implements LedgerFile<L> {
  readonly place: string;
  readonly #form: LedgerForm<L>;
  /** Present once the file was read: nobody else writes it. */
  #kept: KeptLedger<L> | undefined;

  /** @param file is made by the first change, readable by this user alone. */
  constructor(file: string, form: LedgerForm<L>) {
    this.place = file;
    this.#form = form;
  }

  async head(options: Waits): Promise<LedgerHead> {
    const { revision, unrecorded } = await this.read(options);
    return { revision, unrecorded };
  }

  async read({ signal }: Waits): Promise<KeptLedger<L>> {
    signal.throwIfAborted();
    return (this.#kept ??= this.#asked(() => parse(readSmallFile(this.place), this.place, this.#form)));
  }

  /** Operators' acts are rare, and each waits for the disk. */
  async replace(next: KeptLedger<L>, options: Waits): Promise<boolean> {
    await this.read(options);
    writtenLedger(this.#form, next.ledger);
    // From here to the end nobody else's change comes between.
    if (this.#kept === undefined || next.revision !== this.#kept.revision + 1) return false;
    this.#asked(() => replaceSmallFile(this.place, textOf(next, this.#form)));
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

function textOf<L>(kept: KeptLedger<L>, { kind }: LedgerForm<L>): string {
  return `${JSON.stringify({ apiVersion: API_VERSION, kind, ...kept }, undefined, 2)}\n`;
}

function parse<L>(text: string | undefined, file: string, form: LedgerForm<L>): KeptLedger<L> {
  if (text === undefined) return { revision: 0, ledger: form.empty, unrecorded: [] };
  const parsed = schema.safeParse(parseJson(text));
  const ledger = parsed.success && parsed.data.kind === form.kind ? ledgerIn(form, parsed.data.ledger) : undefined;
  if (parsed.success && ledger !== undefined) {
    const { revision, unrecorded } = parsed.data;
    return { revision, ledger, unrecorded: unrecorded as unknown as readonly OperationRecord[] };
  }
  const advice = `restore it; without it ${form.withoutIt}`;
  throw new AuthorityError('CAP-X03', { detail: `${file} is not ${form.name}; ${advice}` });
}
