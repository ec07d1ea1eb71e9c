// What the newest heads of a journal say of its chains: the last one is signed, and names the ones before it by their digests, so
// that one signature proves all that are read here.
import { readLine, type HeadLine } from './export-line.ts';
import type { HeadStatement, NamedInHead } from './head.ts';
import type { StatedRetention } from './kept-since.ts';
import { isSignedBy, statementDigest, type AuditKey } from './statement.ts';

/** As a store keeps it. */
export interface StoredHead {
  readonly digest: string;
  readonly text: string;
}

export interface LastNamed {
  /** By chain, where it stood when it was named last. */
  readonly named: ReadonlyMap<string, NamedInHead>;
  /** Of the last head, in ms since the epoch. */
  readonly timeMs: number;
  /** As the last head states it. */
  readonly retention?: StatedRetention;
  /** Whether every chain is named that there was then. */
  readonly isComplete: boolean;
  /** When the head was made that is named by the oldest that there is, and is gone; absent also where nobody says. */
  readonly goneMs?: number;
}

/**
 * Reads back to the last head that names every chain.
 * @param heads the newest first, as many as there may be since then; one at least.
 * @returns what is wrong with them instead, in words for an operator.
 */
export function lastNamed(heads: readonly StoredHead[], key: AuditKey): LastNamed | { readonly problem: string } {
  const named = new Map<string, NamedInHead>();
  let last: HeadStatement | undefined;
  let previous: string | undefined;
  let isComplete = false;
  let goneMs: number | undefined;
  for (const stored of heads) {
    const head = headOf(stored);
    if (head === undefined) return { problem: `its head ${stored.digest} is not what was kept` };
    if (last === undefined) {
      if (head.keyId !== key.keyId) return { problem: `its last head is signed by another key, ${head.keyId}` };
      if (!isSignedBy(key, 'head', head)) return { problem: 'the signature of its last head is not good' };
      last = head.statement;
    } else if (stored.digest !== previous) {
      return { problem: `its head ${previous ?? 'before the first'} is gone, and older ones are there` };
    }
    const { chains, full, older } = head.statement;
    for (const { chain, ...point } of chains) if (!named.has(chain)) named.set(chain, point);
    ({ previous, previousMs: goneMs } = head.statement);
    isComplete = previous === undefined || (full === true && older === undefined);
    if (full !== true) continue;
    goneMs = undefined;
    break;
  }
  return {
    named,
    timeMs: last?.timeMs ?? 0,
    isComplete,
    ...(last?.retention && { retention: last.retention }),
    ...(goneMs !== undefined && { goneMs }),
  };
}

/** @returns nothing where the text is not of that digest. */
export function headOf({ digest, text }: StoredHead): HeadLine | undefined {
  const line = readLine(text);
  return line?.kind === 'head' && statementDigest(line.statement) === digest ? line : undefined;
}
