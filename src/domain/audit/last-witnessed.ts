// What a witness has of a journal's chains. Unlike those of a store its heads need not be all that were made: a witness was away, or keeps
// those of one server of several. So each is signed, or named by the one behind it.
import { readLine } from './export-line.ts';
import type { HeadStatement, NamedInHead } from './head.ts';
import { isSignedBy, statementDigest, type AuditKey } from './statement.ts';
import type { StatedRetention } from './kept-since.ts';

export interface LastWitnessed {
  /** By chain, where it stood when it was named last. */
  readonly named: ReadonlyMap<string, NamedInHead>;
  /** Of the newest head, in ms since the epoch. */
  readonly timeMs: number;
  readonly retention?: StatedRetention;
}

export interface WitnessedJournal extends Pick<HeadStatement, 'trustDomain' | 'cluster'> {
  readonly key: AuditKey;
  /** Up to when an operator has accepted that the journal is not what was signed; in ms since the epoch. */
  readonly acceptedMs: number;
}

/**
 * Reads back to the last head that names every chain.
 * @param lines of a witness, the newest first. Those that are no heads of this journal say nothing of it.
 * @returns nothing where there is no head of this journal.
 */
export function lastWitnessed(lines: Iterable<string>, journal: WitnessedJournal): LastWitnessed | undefined {
  const named = new Map<string, NamedInHead>();
  let newest: HeadStatement | undefined;
  let previous: string | undefined;
  for (const text of lines) {
    const head = readLine(text);
    if (head?.kind !== 'head' || !isOf(head.statement, journal)) continue;
    if (statementDigest(head.statement) !== previous && !isSignedBy(journal.key, 'head', head)) continue;
    if (head.statement.timeMs <= journal.acceptedMs) break;
    newest ??= head.statement;
    ({ previous } = head.statement);
    for (const { chain, ...point } of head.statement.chains) if (!named.has(chain)) named.set(chain, point);
    if (head.statement.full === true) break;
  }
  return newest && { named, timeMs: newest.timeMs, ...(newest.retention && { retention: newest.retention }) };
}

function isOf({ trustDomain, cluster }: HeadStatement, journal: WitnessedJournal): boolean {
  return trustDomain === journal.trustDomain && cluster === journal.cluster;
}
