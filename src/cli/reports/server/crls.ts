// Revocation lists as a person reads them: whose, until when, and whether peers are given them.
import type { CrlOverview, CrlRow, CrlSetRow } from '../../../authority/revocation/crl-overview.ts';
import { formatTime } from '../../../domain/text/format-time.ts';
import type { Invocation } from '../../invocation.ts';

type Printing = Pick<Invocation, 'terminal'>;

const PLACES: Readonly<Record<CrlSetRow['set'], string>> = {
  leaf: 'over SDS, for leaves',
  chain: 'for whole chains (ca-crl.pem)',
};

export function printCrls({ lists, sets }: CrlOverview, { terminal }: Printing): void {
  if (lists.length === 0) terminal.print('There is no revocation list.');
  else terminal.printTable([HEAD, ...lists.map(columnsOf)]);
  for (const set of sets) terminal.print(sentenceOf(set));
}

/** @param serials of the certificates that it lists, hex. */
export function printCrl(row: CrlRow, serials: Iterable<string>, { terminal }: Printing): void {
  terminal.print(`Revocation list of ${row.subject}${row.imported ? ', imported' : ''}.`);
  terminal.printTable([
    ['CA', row.id ?? '-'],
    ['number', row.number ?? 'none'],
    ['from', formatTime(row.thisUpdateMs)],
    ['next update', formatTime(row.nextUpdateMs)],
    ['state', stateOf(row)],
    ['SHA-256', row.sha256],
    ['revoked', String(row.revoked)],
  ]);
  for (const serial of serials) terminal.print(`  ${serial}`);
}

const HEAD = ['CA', 'SUBJECT', 'SIGNED', 'NUMBER', 'FROM', 'NEXT UPDATE', 'REVOKED', 'STATE'];

function columnsOf(row: CrlRow): readonly string[] {
  const { id = '-', subject, imported, number = '-', thisUpdateMs, nextUpdateMs, revoked } = row;
  const times = [thisUpdateMs, nextUpdateMs].map(formatTime);
  return [id, subject, imported ? 'elsewhere' : 'here', number, ...times, String(revoked), stateOf(row)];
}

function stateOf({ problem }: CrlRow): string {
  return problem ?? 'current';
}

function sentenceOf(row: CrlSetRow): string {
  const place = PLACES[row.set];
  if ('missing' in row) return `Not handed out ${place}: ${row.missing.join('; ')}.`;
  return `Handed out ${place}: until ${formatTime(row.untilMs)} at most.`;
}
