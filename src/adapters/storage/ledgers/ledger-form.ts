// How a ledger is written down, wherever it lies. It is read strictly: one that is damaged must not pass for one in which
// nothing is forbidden; and what could not be read again is not written.
import type { z } from 'zod';
import { AuthorityError } from '../../../domain/errors.ts';
import { parseJson } from '../../../domain/text/parse-json.ts';

export interface LedgerForm<L> {
  /** In the head of its file, and in the names under which processes ask each other for it. */
  readonly kind: string;
  /** What an operator calls it. */
  readonly name: string;
  /** Of its file, which is called as the journal is but for this end. */
  readonly fileSuffix: string;
  /** Its table in PostgreSQL. */
  readonly table: string;
  /** Before the first change. */
  readonly empty: L;
  /** What would come of taking a damaged one for an empty one. */
  readonly withoutIt: string;
  /** Exactly what may be written down. */
  readonly schema: z.ZodType<L>;
}

/** @returns nothing for what is no such ledger. */
export function ledgerIn<L>({ schema }: Pick<LedgerForm<L>, 'schema'>, value: unknown): L | undefined {
  return schema.safeParse(value).data;
}

/**
 * @returns the ledger as JSON, which can be read again: who asks may have more names than a ledger takes.
 * @throws AuthorityError CAP-O02 naming the first field that could not be read.
 */
export function writtenLedger<L>({ name, schema }: Pick<LedgerForm<L>, 'name' | 'schema'>, ledger: L): string {
  const text = JSON.stringify(ledger);
  const [issue] = schema.safeParse(parseJson(text)).error?.issues ?? [];
  if (issue === undefined) return text;
  const detail = `${name} would have ${issue.path.map(String).join('.')}: ${issue.message}`;
  throw new AuthorityError('CAP-O02', { detail });
}
