// What somebody may do to an export or to the journal before it, and what the verifier says of it: the table of docs/audit.md. It is
// long because it is a table.
import { linkDigest } from '../../../../src/domain/audit/chain.ts';
import { readLine, writeLine, type LinkLine } from '../../../../src/domain/audit/export-line.ts';
import type { GapCode, TamperingCode } from '../../../../src/domain/audit/findings.ts';
import { statementDigest } from '../../../../src/domain/audit/statement.ts';
import { ExportVerifier } from '../../../../src/domain/audit/verifier.ts';
import type { Result, Verdict } from '../../../../src/domain/audit/verdict.ts';
import { readWitnessedHeads } from '../../../../src/domain/audit/witnessed-heads.ts';
import { headKey, RECORDS, SampleJournal, type HeadKey } from './sample-export.ts';

/** What whoever verifies has. */
export interface Handed {
  readonly lines: readonly string[];
  /** The file of a witness. */
  readonly witness?: string;
  readonly expected?: readonly string[];
  /** Absent, they have the key of the server. */
  readonly withoutKey?: true;
}

export interface TamperingRow {
  /** What was done, as the table of the page says it. */
  readonly done: string;
  readonly hand: (key: HeadKey) => Handed;
  readonly result: Result;
  /** The first that is found. */
  readonly says: TamperingCode | GapCode | '-';
}

/** Two heads were made, and the records behind the second are in no head. */
export function written(key: HeadKey, more: object = {}): SampleJournal {
  const journal = new SampleJournal(key, more);
  for (const kind of ['decision', 'decision', 'operation', 'decision', 'closing'] as const) journal.append(kind);
  journal.makeHead();
  for (const kind of ['decision', 'operation', 'decision'] as const) journal.append(kind);
  journal.makeHead();
  journal.append('decision');
  return journal;
}

export function verified({ lines, witness, expected = [], withoutKey }: Handed, key: HeadKey): Verdict {
  const keys = withoutKey === true ? [] : [key.auditKey];
  const witnessed = witness === undefined ? undefined : readWitnessedHeads(witness);
  const verifier = new ExportVerifier({ keys, expected }, witnessed);
  for (const line of lines) verifier.take(line);
  return verifier.verdict();
}

/** Changes the lines of a good export, which ends as is said. */
function changed(
  change: (lines: string[]) => readonly string[],
  { end = 'signed' }: { readonly end?: 'signed' | 'unsigned' | 'none' } = {},
) {
  return (key: HeadKey): Handed => ({ lines: change(written(key).export({ end })) });
}

function linkAt(lines: readonly string[], sequence: number): { readonly at: number; readonly link: LinkLine } {
  for (const [at, line] of lines.entries()) {
    const read = readLine(line);
    if (read?.kind === 'decision' && 'chain' in read && read.sequence === sequence) return { at, link: read };
  }
  throw new Error(`there is no decision ${sequence}`);
}

/** @returns the lines with another one in the place of a decision, or with none. */
function replaced(lines: readonly string[], sequence: number, ...by: readonly LinkLine[]): string[] {
  const { at } = linkAt(lines, sequence);
  return lines.toSpliced(at, 1, ...by.map(writeLine));
}

function forged(link: LinkLine): LinkLine {
  return { ...link, record: { ...link.record, identity: 'spiffe://cluster.local/ns/shop/sa/mallory' } };
}

/** Decisions from one on, with digests and numbers that fit, behind another that is given. */
function relinked(lines: readonly string[], from: number, decisions: readonly object[]): string[] {
  const { link } = linkAt(lines, from - 1);
  const { at } = linkAt(lines, from);
  const count = lines.filter((line) => line.startsWith('{"chain":"decision-') && line.includes('"digest"')).length;
  let { digest } = link;
  const anew = decisions.map((record, index) => {
    const next = { chain: link.chain, kind: link.kind, sequence: from + index, record };
    digest = linkDigest(digest, next);
    return writeLine({ ...next, digest });
  });
  return lines.toSpliced(at, count - from + 1, ...anew);
}

function decisionsFrom(lines: readonly string[], from: number): object[] {
  const links = lines.map(readLine).filter((line): line is LinkLine => line?.kind === 'decision' && 'chain' in line);
  return links.filter(({ sequence }) => sequence >= from).map(({ record }) => record);
}

/** Where a line of this kind is. */
function find(lines: readonly string[], kind: string, nth = 0): number {
  return [...lines.keys()].filter((at) => readLine(lines[at] ?? '')?.kind === kind)[nth]!;
}

/** Without the opening and the links of the chain of decisions. */
function withoutDecisions(lines: readonly string[]): string[] {
  return lines.filter((line) => {
    const read = readLine(line);
    return read?.kind !== 'decision' && (read?.kind !== 'chain' || read.opening.kind !== 'decision');
  });
}

function headsOf(lines: readonly string[]): string {
  return lines
    .filter((line) => readLine(line)?.kind === 'head')
    .map((line) => `${line}\n`)
    .join('');
}

function digestOfLastHead(lines: readonly string[]): string {
  const head = readLine(lines[find(lines, 'head', 1)]!);
  if (head?.kind !== 'head') throw new Error('there is no head');
  return statementDigest(head.statement);
}

/** The journal as it was before its last two records, written on by a server that knows of no loss. */
function copiedBack(key: HeadKey): SampleJournal {
  const journal = new SampleJournal(key);
  for (const kind of ['decision', 'decision', 'operation', 'decision', 'closing'] as const) journal.append(kind);
  journal.makeHead();
  for (const kind of ['operation', 'decision', 'decision', 'decision'] as const) journal.append(kind);
  journal.makeHead();
  return journal;
}

const HOUR_MS = 3_600_000;

/** The first decisions are gone from the journal; ends say that an hour is kept. */
function aged(key: HeadKey, { waitMs }: { readonly waitMs: number }): SampleJournal {
  const journal = written(key);
  journal.keep(HOUR_MS);
  journal.wait(waitMs);
  journal.append('decision');
  journal.remove('decision', 5);
  journal.makeHead();
  return journal;
}

/** Decisions 1 to 6 are older than the hour that is kept, and 7 and 8 are not; who may write to the database has taken all eight. */
function agedChain(key: HeadKey, { heads = 'left' }: { readonly heads?: 'left' | 'all' } = {}): SampleJournal {
  const journal = written(key);
  journal.keep(HOUR_MS);
  journal.wait(2 * HOUR_MS);
  for (const times of [1, 2, 3]) {
    journal.append('decision');
    if (times < 3) journal.makeHead();
  }
  journal.remove('decision', 8);
  journal.makeHead();
  if (heads === 'left') journal.forgetHeads(4);
  return journal;
}

/** By who may write to the database and has no key: the server signs it when it goes on. */
function rewritten(key: HeadKey): SampleJournal {
  const journal = written(key);
  journal.rewrite('decision', 4);
  journal.makeHead();
  return journal;
}

export const TAMPERING_ROWS: readonly TamperingRow[] = [
  { done: 'nothing', hand: changed((lines) => lines), result: 'proven', says: '-' },
  {
    done: 'a field of a record changed',
    hand: changed((lines) => replaced(lines, 3, forged(linkAt(lines, 3).link))),
    result: 'tampered',
    says: 'changed',
  },
  {
    done: 'a record changed, and its digest computed anew',
    hand: changed((lines) => {
      const link = forged(linkAt(lines, 3).link);
      return replaced(lines, 3, { ...link, digest: linkDigest(linkAt(lines, 2).link.digest, link) });
    }),
    result: 'tampered',
    says: 'forked',
  },
  {
    done: 'a record behind the last head changed, and its digest computed anew',
    hand: changed((lines) => {
      const link = forged(linkAt(lines, 6).link);
      return replaced(lines, 6, { ...link, digest: linkDigest(linkAt(lines, 5).link.digest, link) });
    }),
    result: 'tampered',
    says: 'wrong_end',
  },
  {
    done: 'a record changed, and every digest behind it computed anew',
    hand: changed((lines) => {
      const [first = {}, ...rest] = decisionsFrom(lines, 2);
      return relinked(lines, 2, [{ ...first, identity: 'spiffe://cluster.local/ns/shop/sa/mallory' }, ...rest]);
    }),
    result: 'tampered',
    says: 'forked',
  },
  { done: 'a record removed', hand: changed((lines) => replaced(lines, 2)), result: 'tampered', says: 'missing' },
  {
    done: 'a record removed, and those behind it numbered and linked anew',
    hand: changed((lines) => relinked(lines, 2, decisionsFrom(lines, 3))),
    result: 'tampered',
    says: 'forked',
  },
  {
    done: 'two records in each other’s place',
    hand: changed((lines) => {
      const [second, third] = [linkAt(lines, 2), linkAt(lines, 3)];
      return lines.with(second.at, writeLine(third.link)).with(third.at, writeLine(second.link));
    }),
    result: 'tampered',
    says: 'missing',
  },
  {
    done: 'a record twice',
    hand: changed((lines) => replaced(lines, 2, linkAt(lines, 2).link, linkAt(lines, 2).link)),
    result: 'tampered',
    says: 'repeated',
  },
  {
    done: 'a record added in the place of a number that there is',
    hand: changed((lines) => {
      const { link } = linkAt(lines, 2);
      const other = forged(link);
      return replaced(lines, 2, link, { ...other, digest: linkDigest(linkAt(lines, 1).link.digest, other) });
    }),
    result: 'tampered',
    says: 'forked',
  },
  {
    done: 'a record added, and those behind it numbered and linked anew',
    hand: changed((lines) => relinked(lines, 2, [RECORDS.decision(99, 1), ...decisionsFrom(lines, 2)])),
    result: 'tampered',
    says: 'forked',
  },
  {
    done: 'a record added at the end of a chain',
    hand: changed((lines) => {
      const { link, at } = linkAt(lines, 6);
      const next = { ...forged(link), sequence: 7 };
      return lines.toSpliced(at + 1, 0, writeLine({ ...next, digest: linkDigest(link.digest, next) }));
    }),
    result: 'tampered',
    says: 'wrong_end',
  },
  {
    done: 'a record added to a chain that nobody opened',
    hand: changed((lines) => replaced(lines, 6, { ...linkAt(lines, 6).link, chain: 'another' }, linkAt(lines, 6).link)),
    result: 'tampered',
    says: 'unknown_chain',
  },
  {
    done: 'a record added to those of no chain',
    hand: changed((lines) => lines.toSpliced(-1, 0, writeLine({ kind: 'decision', record: RECORDS.decision(99, 1) }))),
    result: 'tampered',
    says: 'wrong_end',
  },
  {
    done: 'a record taken out of its chain and put to those of no chain',
    hand: changed((lines) => {
      const { kind, record } = linkAt(lines, 2).link;
      return replaced(lines, 2).toSpliced(-1, 0, writeLine({ kind, record }));
    }),
    result: 'tampered',
    says: 'missing',
  },
  {
    done: 'the last record of a chain removed',
    hand: changed((lines) => replaced(lines, 6)),
    result: 'tampered',
    says: 'wrong_end',
  },
  {
    done: 'the last records removed with the end, up to what a head names',
    hand: changed((lines) => replaced(replaced(lines, 6), 5), { end: 'none' }),
    result: 'tampered',
    says: 'truncated',
  },
  {
    done: 'the last records removed with the end and the heads; nobody kept a head',
    hand: changed(
      (lines) => {
        const cut = replaced(replaced(lines, 6), 5);
        return cut.toSpliced(find(cut, 'head', 1), 1);
      },
      { end: 'none' },
    ),
    result: 'not_proven',
    says: 'no_end',
  },
  {
    done: 'the same, and a witness kept the heads',
    hand: (key) => {
      const lines = written(key).export({ end: 'none' });
      const cut = replaced(replaced(lines, 6), 5);
      return { lines: cut.toSpliced(find(cut, 'head', 1), 1), witness: headsOf(lines) };
    },
    result: 'tampered',
    says: 'truncated',
  },
  {
    done: 'the same, and somebody noted the digest of the last head',
    hand: (key) => {
      const lines = written(key).export({ end: 'none' });
      const cut = replaced(replaced(lines, 6), 5);
      return { lines: cut.toSpliced(find(cut, 'head', 1), 1), expected: [digestOfLastHead(lines)] };
    },
    result: 'tampered',
    says: 'missing_head',
  },
  {
    done: 'the end removed, and nothing else',
    hand: changed((lines) => lines, { end: 'none' }),
    result: 'not_proven',
    says: 'no_end',
  },
  {
    done: 'the signature of the end removed',
    hand: changed((lines) => lines, { end: 'unsigned' }),
    result: 'not_proven',
    says: 'unsigned_end',
  },
  {
    done: 'the first records of a chain removed, and its beginning moved',
    hand: changed((lines) => {
      const { link } = linkAt(lines, 1);
      const at = find(lines, 'chain');
      const chain = readLine(lines[at]!);
      if (chain?.kind !== 'chain') throw new Error('there is no chain');
      const { sequence, digest } = link;
      return replaced(lines, 1).with(at, writeLine({ ...chain, after: { sequence, digest } }));
    }),
    result: 'tampered',
    says: 'truncated',
  },
  {
    done: 'nothing; retention has taken the first records of a chain, exported and signed',
    hand: (key) => ({ lines: aged(key, { waitMs: 2 * HOUR_MS }).export() }),
    result: 'proven',
    says: '-',
  },
  {
    done: 'the first records of a chain removed from the journal as if retention had taken them, exported and signed',
    hand: (key) => ({ lines: aged(key, { waitMs: 0 }).export() }),
    result: 'not_proven',
    says: 'unproven_beginning',
  },
  {
    done: 'the same, and the heads that name them; nobody kept a head',
    hand: (key) => {
      const journal = aged(key, { waitMs: 0 });
      journal.forgetHeads(2);
      return { lines: journal.export() };
    },
    result: 'not_proven',
    says: 'unproven_beginning',
  },
  {
    done: 'the same, and the chain said to be older than what is kept',
    hand: (key) => {
      const journal = aged(key, { waitMs: 0 });
      journal.forgetHeads(2);
      journal.reopen('decision', 1);
      return { lines: journal.export() };
    },
    result: 'tampered',
    says: 'changed',
  },
  {
    done: 'nothing; retention has taken the first records of a chain and the heads that name them, exported and signed',
    hand: (key) => {
      const journal = aged(key, { waitMs: 2 * HOUR_MS });
      journal.forgetHeads(2);
      return { lines: journal.export() };
    },
    result: 'proven',
    says: '-',
  },
  {
    done: 'of a chain that is older than what is kept, records removed that retention had to leave, and the heads that name them; nobody kept a head',
    hand: (key) => ({ lines: agedChain(key).export() }),
    result: 'not_proven',
    says: 'lost_heads',
  },
  {
    done: 'the same, and a witness kept the heads',
    hand: (key) => ({ lines: agedChain(key).export(), witness: headsOf(agedChain(key, { heads: 'all' }).export()) }),
    result: 'not_proven',
    says: 'unproven_beginning',
  },
  {
    done: 'of a chain that is older than what is kept, records removed that were not there yet when a later head named it',
    hand: (key) => {
      const journal = written(key);
      journal.keep(HOUR_MS);
      journal.wait(2 * HOUR_MS);
      journal.append('operation');
      journal.makeHead();
      journal.wait(HOUR_MS / 2);
      journal.append('decision');
      journal.append('decision');
      journal.remove('decision', 7);
      journal.makeHead();
      return { lines: journal.export() };
    },
    result: 'not_proven',
    says: 'unproven_beginning',
  },
  {
    done: 'the first acts of operators removed from the journal as if retention had taken them, exported and signed',
    hand: (key) => {
      const journal = written(key);
      journal.keep(HOUR_MS);
      journal.wait(2 * HOUR_MS);
      journal.remove('operation', 1);
      return { lines: journal.export() };
    },
    result: 'tampered',
    says: 'truncated',
  },
  {
    done: 'a chain of acts of operators that is older than what is kept removed from the journal, exported and signed',
    hand: (key) => {
      const journal = written(key);
      journal.keep(HOUR_MS);
      journal.wait(2 * HOUR_MS);
      journal.drop('operation');
      return { lines: journal.export() };
    },
    result: 'tampered',
    says: 'missing_chain',
  },
  {
    done: 'records from before the first head of a chain removed as if retention had taken them, exported and signed; a witness kept the heads',
    hand: (key) => {
      const journal = written(key);
      const heads = headsOf(journal.export());
      journal.keep(HOUR_MS);
      journal.remove('decision', 1);
      return { lines: journal.export(), witness: heads };
    },
    result: 'not_proven',
    says: 'unproven_beginning',
  },
  {
    done: 'the first records of a chain removed from the journal as if retention had taken them, not signed; a witness kept the heads',
    hand: (key) => {
      const lines = aged(key, { waitMs: 0 }).export({ end: 'none' });
      return { lines, witness: headsOf(lines) };
    },
    result: 'not_proven',
    says: 'unproven_beginning',
  },
  {
    done: 'the first records of a chain removed with the end, and another beginning of the export stated; a witness kept the heads',
    hand: (key) => {
      const journal = written(key);
      journal.makeHead();
      const lines = journal.export({ end: 'none' });
      const { sequence, digest } = linkAt(lines, 1).link;
      const at = find(lines, 'chain');
      const chain = readLine(lines[at]!);
      if (chain?.kind !== 'chain') throw new Error('there is no chain');
      const cut = replaced(lines, 1).with(at, writeLine({ ...chain, after: { sequence, digest } }));
      return { lines: cut.with(0, cut[0]!.replace('"timeMs":', '"sinceMs":1,"timeMs":')), witness: headsOf(lines) };
    },
    result: 'not_proven',
    says: 'unproven_beginning',
  },
  {
    done: 'a chain removed, opening and records',
    hand: changed((lines) => withoutDecisions(lines)),
    result: 'tampered',
    says: 'wrong_end',
  },
  {
    done: 'a chain removed with the end',
    hand: changed((lines) => withoutDecisions(lines), { end: 'none' }),
    result: 'not_proven',
    says: 'lost_chain',
  },
  {
    done: 'a chain removed from the journal before it was exported and signed',
    hand: (key) => {
      const journal = written(key);
      journal.drop('decision');
      return { lines: journal.export() };
    },
    result: 'tampered',
    says: 'missing_chain',
  },
  {
    done: 'nothing; there are records from before chains',
    hand: (key) => {
      const journal = written(key);
      journal.appendUnchained();
      return { lines: journal.export() };
    },
    result: 'not_proven',
    says: 'unchained',
  },
  {
    done: 'nothing; no key is given',
    hand: (key) => ({ lines: written(key).export(), withoutKey: true }),
    result: 'not_proven',
    says: 'no_key',
  },
  {
    done: 'a head removed before a later one',
    hand: (key) => {
      const journal = written(key);
      journal.makeHead();
      const lines = journal.export();
      return { lines: lines.toSpliced(find(lines, 'head', 1), 1) };
    },
    result: 'tampered',
    says: 'heads_out_of_order',
  },
  {
    done: 'a head changed',
    hand: changed((lines) => {
      const at = find(lines, 'head', 1);
      return lines.with(at, lines[at]!.replace('capstan-0', 'capstan-1'));
    }),
    result: 'tampered',
    says: 'bad_signature',
  },
  {
    done: 'everything written anew and signed with another key',
    hand: () => ({ lines: copiedBack(headKey()).export() }),
    result: 'tampered',
    says: 'bad_signature',
  },
  {
    done: 'the times in the header changed',
    hand: changed((lines) => lines.with(0, lines[0]!.replace('"timeMs":', '"sinceMs":1,"timeMs":'))),
    result: 'tampered',
    says: 'wrong_end',
  },
  {
    done: 'a line written in another spelling',
    hand: changed((lines) => lines.with(8, lines[8]!.replace('{', '{ '))),
    result: 'tampered',
    says: 'malformed',
  },
  {
    done: 'a line added behind the end',
    hand: changed((lines) => [...lines, lines[find(lines, 'decision')]!]),
    result: 'tampered',
    says: 'misplaced',
  },
  {
    done: 'the journal copied back from an old copy and written on, exported and signed; a witness kept the heads',
    hand: (key) => ({ lines: copiedBack(key).export(), witness: headsOf(written(key).export()) }),
    result: 'tampered',
    says: 'forked',
  },
  {
    done: 'a record in the journal changed, all behind it linked anew and the heads that name it deleted, and an operator had the server sign that; nobody kept a head',
    hand: (key) => ({ lines: rewritten(key).export() }),
    result: 'proven',
    says: '-',
  },
  {
    done: 'the same, and a witness kept the heads',
    hand: (key) => ({ lines: rewritten(key).export(), witness: headsOf(written(key).export()) }),
    result: 'tampered',
    says: 'forked',
  },
  {
    done: 'everything written anew by who holds the key of the heads; a witness kept the heads',
    hand: (key) => {
      const other = new SampleJournal(key);
      for (let count = 0; count < 9; count += 1) other.append('decision');
      return { lines: other.export(), witness: headsOf(written(key).export()) };
    },
    result: 'tampered',
    says: 'forked',
  },
  {
    done: 'everything written anew by who holds the key of the heads; nobody kept a head',
    hand: (key) => ({ lines: copiedBack(key).export() }),
    result: 'proven',
    says: '-',
  },
];
