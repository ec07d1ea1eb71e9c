// Rogue CAs for people and programs: what it is, where it lies, why it should not be there, how it comes home.
import { formatCount, formatQuantity } from '../../../domain/text/format-count.ts';
import { formatTime, formatValidity } from '../../../domain/text/format-time.ts';
import { shownName } from '../../../domain/text/shown-name.ts';
import type { Finding } from '../../../review/findings.ts';
import { adviceOn, SELF_SIGNING } from '../../../review/rogue/advice.ts';
import type { NotRead, SelfSigningIssuer, Sighting } from '../../../review/rogue/found.ts';
import { placeName } from '../../../review/rogue/gathered.ts';
import type { Rogue, RogueReport } from '../../../review/rogue/judge-rogues.ts';
import { knownData, rogueFindings } from '../../../review/rogue/rogue-data.ts';
import type { KnownAs } from '../../../review/rogue/trust.ts';
import type { Terminal } from '../../terminal.ts';
import type { Report } from '../report.ts';

export interface RogueSearch {
  readonly report: RogueReport;
  readonly issuers: readonly SelfSigningIssuer[];
  /** What was looked through, in words: `1,200 files`. */
  readonly lookedThrough: readonly string[];
  /** Whether what may be there is listed too. */
  readonly all: boolean;
  readonly nowMs: number;
}

/** Places that a person is shown of one certificate. */
const MAX_PLACES = 5;

const TITLES: Readonly<Record<Rogue['kind'], string>> = {
  'self-signed-ca': 'self-signed CA',
  'foreign-ca': 'CA under no corporate anchor',
  'path-length': 'CA where none may be',
  'self-signed-leaf': 'self-signed certificate',
  'foreign-leaves': 'certificate under no corporate anchor',
};

const KNOWN: Readonly<Record<KnownAs, string>> = {
  cluster: "the cluster's own",
  known: 'named with --known',
  public: 'a root of the public web',
};

export function rogueReport(search: RogueSearch, terminal: Terminal): Report {
  const { rogues, notRead } = search.report;
  const cases = [
    { name: 'rogue', findings: [...rogues.map(findingOf), ...search.issuers.map(issuerFinding)] },
    { name: 'not looked at', findings: notRead.map(notReadFinding) },
  ];
  return { tool: 'rogue', cases, json: jsonOf(search), text: () => print(search, terminal) };
}

function findingOf(rogue: Rogue): Finding {
  const { kind, certificate, expired, hasPrivateKey, sightings } = rogue;
  const { why, bringHome } = adviceOn(rogue);
  const [first] = sightings;
  const subject = shownName(certificate.subject);
  const key = hasPrivateKey ? 'its private key lies beside it; ' : '';
  return {
    id: `rogue/${kind}`,
    severity: expired ? 'warning' : 'error',
    message: `${subject} (SHA-256 ${certificate.sha256}, until ${formatTime(certificate.notAfterMs)}): ${key}${why}. Bring home: ${bringHome}`,
    ...(first?.place.kind === 'file' && { position: { place: placeName(first), line: first.line ?? 1, column: 1 } }),
    ...(first !== undefined && first.place.kind !== 'file' && { subject: shownName(placeName(first)) }),
  };
}

function issuerFinding({ name }: SelfSigningIssuer): Finding {
  const message = `${SELF_SIGNING.why}. Bring home: ${SELF_SIGNING.bringHome}`;
  return { id: 'rogue/self-signed-issuer', severity: 'error', message, subject: shownName(name) };
}

function notReadFinding({ why, count, examples }: NotRead): Finding {
  const [first = ''] = examples;
  const more = count > 1 ? ` (and ${formatCount(count - 1)} more)` : '';
  return { id: 'rogue/not-read', severity: 'warning', message: `${shownName(first)} ${why}${more}` };
}

function jsonOf({ report, issuers, lookedThrough, all }: RogueSearch): unknown {
  return { ...rogueFindings(report, issuers, lookedThrough), ...(all && { known: knownData(report) }) };
}

function print(search: RogueSearch, terminal: Terminal): void {
  const { report, all, nowMs, lookedThrough } = search;
  for (const rogue of report.rogues) printRogue(rogue, terminal, nowMs);
  for (const issuer of search.issuers) printIssuer(issuer, terminal);
  if (all) printKnown(report.known, terminal);
  for (const { why, count, examples } of report.notRead) {
    const shown = examples.slice(0, MAX_PLACES);
    const more = count > shown.length ? ` and ${formatCount(count - shown.length)} more` : '';
    terminal.print(`not looked at: ${shown.map(shownName).join(', ')}${more}: ${why}`);
  }
  if (report.notRead.length > 0) terminal.print('');
  const looked = `${lookedThrough.join(' and ')}, ${formatQuantity(report.looked, 'certificate')}`;
  const count = report.rogues.length + search.issuers.length;
  const found = count === 0 ? 'nothing' : formatCount(count);
  const part = report.notRead.length === 0 ? '' : ', but not everything was looked at';
  terminal.print(`${looked}: ${found} found that should not be there${part}.`);
}

function printRogue(rogue: Rogue, terminal: Terminal, nowMs: number): void {
  const { certificate, kind, sightings, sightingCount, leaves } = rogue;
  const { why, bringHome } = adviceOn(rogue);
  const say = (label: string, text: string): void => terminal.print(`  ${label.padEnd(8)}${text}`);
  const title = `${TITLES[kind]}: ${shownName(certificate.subject)}`;
  terminal.print(terminal.styled(rogue.expired ? 'yellow' : 'red', title));
  say('SHA-256', certificate.sha256);
  say('until', `${formatTime(certificate.notAfterMs)}, ${formatValidity(certificate, nowMs)}`);
  printPlaces(sightings, sightingCount, say);
  if (leaves.count > 0 && kind !== 'foreign-leaves') {
    const places = leaves.sightings.map((sighting) => shownName(placeName(sighting))).join(', ');
    const more = leaves.count > leaves.sightings.length ? ', …' : '';
    say('signed', `${formatQuantity(leaves.count, 'certificate')}: ${places}${more}`);
  }
  say('why', why);
  say('home', bringHome);
  terminal.print('');
}

function printIssuer({ name, madeBy, usedBy }: SelfSigningIssuer, terminal: Terminal): void {
  terminal.print(terminal.styled('red', `self-signing issuer: ${shownName(name)}`));
  terminal.print(`  made by ${shownName(madeBy)}`);
  for (const user of usedBy) terminal.print(`  used by ${shownName(user)}`);
  terminal.print(`  why     ${SELF_SIGNING.why}`);
  terminal.print(`  home    ${SELF_SIGNING.bringHome}`);
  terminal.print('');
}

function printPlaces(sightings: readonly Sighting[], count: number, say: (label: string, text: string) => void): void {
  for (const [index, sighting] of sightings.slice(0, MAX_PLACES).entries()) {
    const { place, line, privateKey } = sighting;
    const at = `${shownName(placeName(sighting))}${line === undefined || place.kind !== 'file' ? '' : `:${line}`}`;
    say(index === 0 ? 'in' : '', `${at}${privateKey === undefined ? '' : `, private key: ${shownName(privateKey)}`}`);
    if (place.madeBy !== undefined) say('', `made by ${shownName(place.madeBy)}`);
    for (const user of place.usedBy ?? []) say('', `used by ${shownName(user)}`);
  }
  if (count > MAX_PLACES) say('', `and in ${formatQuantity(count - MAX_PLACES, 'more place')}`);
}

function printKnown(known: RogueReport['known'], terminal: Terminal): void {
  if (known.length === 0) return;
  terminal.printTable([
    ['KNOWN', 'SUBJECT', 'PLACE'],
    ...known.map(({ found: { certificate, sightings }, as }) => [
      KNOWN[as],
      shownName(certificate.subject),
      sightings[0] === undefined ? '' : shownName(placeName(sightings[0])),
    ]),
  ]);
  terminal.print('');
}
