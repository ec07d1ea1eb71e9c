// The rotation of trust anchors as a person reads it: a board of lines that fits into the width of a terminal.
import type { RotationStatus, StepOutcome } from '../../../authority/administration/anchor-acts.ts';
import type { ReviewedRotation } from '../../../authority/administration/rotation-review.ts';
import { formatCount, formatQuantity } from '../../../domain/text/format-count.ts';
import { formatTime } from '../../../domain/text/format-time.ts';
import { describe } from '../../../domain/trust/rotation/dependants.ts';
import type { Lag, NamespaceShare, Share } from '../../../domain/trust/rotation/progress.ts';
import {
  nameOf,
  type AnchorRotation,
  type RotationMove,
  type RotationPhase,
} from '../../../domain/trust/rotation/rotation.ts';
import type { Invocation } from '../../invocation.ts';

type Printing = Pick<Invocation, 'terminal'>;

/** Namespaces and laggards on a board: those beyond are counted. JSON has them all. */
const MOST = { namespaces: 20, laggards: 10 } as const;
const NARROWEST = 60;
const WIDEST_BAR = 24;

export function printRotation(status: RotationStatus, { terminal }: Printing, width = WIDTH): void {
  for (const line of boardOf(status, width)) terminal.print(line);
}

/** Where it is not a terminal's. */
const WIDTH = 120;

const READING = 'What is known of live workloads is still being read: ask again in a moment.';

/** @param width in characters; lines that are longer are continued below, further in. */
export function boardOf(status: RotationStatus, width: number): readonly string[] {
  const { rotation, review, anchors, pending } = status;
  const most = Math.max(NARROWEST, width);
  const lines = [
    ...(rotation === undefined ? ['No rotation of trust anchors was started.'] : headOf(rotation)),
    ...(status.reading === true ? ['', READING] : []),
    ...(rotation === undefined || review === undefined
      ? ['In force:', ...anchors.map((one) => `  ${nameOf(one)}, until ${formatTime(one.notAfterMs)}`)]
      : [
          ...sharesOf(review, most),
          ...laggardsOf(rotation, review),
          ...bridgedIn(rotation, review),
          ...gateOf(rotation, review),
          ...timesOf(review),
        ]),
    ...pending.map(
      ({ act, digest, actor, untilMs }) =>
        `Until ${formatTime(untilMs)} ${act} waits for a second person, asked for by ${actor}: capstan anchor approve ${digest}`,
    ),
  ];
  return lines.flatMap((line) => wrapped(line, most));
}

export function printPlan(status: RotationStatus, { terminal }: Printing): void {
  const { rotation, review } = status;
  if (rotation === undefined || review === undefined) {
    for (const line of boardOf(status, WIDTH)) terminal.print(line);
    return;
  }
  terminal.print(`Rotation ${rotation.id} is in phase ${rotation.phase}.`);
  terminal.printTable([
    ['PHASE', 'EARLIEST END', 'LATEST END'],
    ...review.plan.map(({ phase, earliestMs, latestMs }) => [phase, formatTime(earliestMs), formatTime(latestMs)]),
  ]);
  terminal.print(
    'The earliest is when all renew at half the life of their certificates; the latest is when the last of these has ended.',
  );
  terminal.print(
    'A CSR client has received the new anchor with its certificate, and nobody saw it used; a proxy has acknowledged it.',
  );
  for (const line of [...gateOf(rotation, review), ...bridgedIn(rotation, review), ...bridgeOffer(rotation, review)])
    terminal.print(line);
}

export function printStep(outcome: StepOutcome, { terminal }: Printing): void {
  if (outcome.outcome === 'pending') {
    const { act, digest, untilMs } = outcome.pending;
    terminal.print(`Nothing was done: the policy bundle wants a second person for ${act}.`);
    terminal.print(`Until ${formatTime(untilMs)} another person may do it:`);
    terminal.print(`  capstan anchor approve ${digest}`);
    return;
  }
  const { rotation, notes } = outcome;
  for (const line of headOf(rotation)) terminal.print(line);
  if (outcome.outcome === 'judged') {
    for (const note of notes) terminal.print(`Note: ${note}.`);
    terminal.print('Nothing was done: it would be taken like this.');
    return;
  }
  for (const note of notes) terminal.print(`${outcome.act === 'bridge' ? 'Note' : 'Overridden'}: ${note}.`);
  terminal.print(NEXT[rotation.phase]);
}

const NEXT: Readonly<Record<RotationPhase, string>> = {
  publish:
    'Bundles have old and new. Next: an issuer below the new anchor, and capstan anchor advance. The way back: capstan anchor abort.',
  adopt:
    'Issuers below the new anchor sign, and leaves renew. Next: capstan anchor retire. The way back: capstan anchor abort.',
  retire:
    'The old anchor leaves the bundles. It is done by itself; take the old anchor out of the file and put the new one in.',
  done: 'Put the new anchor into the file, and take the old one out.',
  aborted: 'The new anchor leaves the bundles when nothing hangs on it any more.',
};

function headOf(rotation: AnchorRotation): string[] {
  const { id, phase, added, old, moves } = rotation;
  const last: RotationMove = moves.at(-1) ?? moves[0];
  const who = last.approvedBy === undefined ? last.actor : `${last.actor} and ${last.approvedBy}`;
  return [
    `Rotation ${id} is in phase ${phase} since ${formatTime(last.timeMs)}, by ${who}: ${last.reason}`,
    ...old.map((one) => `  from  ${nameOf(one)}`),
    ...added.map((one) => `  to    ${nameOf(one)}`),
    ...bridgeOf(rotation),
  ];
}

/** It ends with the phases that it is in force in. */
function bridgeOf({ bridge, old, phase }: AnchorRotation): string[] {
  if (bridge === undefined || (phase !== 'publish' && phase !== 'adopt')) return [];
  const from = old.find(({ sha256 }) => sha256 === bridge.from);
  const signer = from === undefined ? bridge.from.slice(0, 16) : nameOf(from);
  const certificate = `cross-certificate with SHA-256 ${bridge.sha256.slice(0, 16)}`;
  return [
    `  bridge  ${certificate}, signed by ${signer}, until ${formatTime(bridge.notAfterMs)}, by ${bridge.actor}: ${bridge.reason}`,
  ];
}

/** Who verifies through it: in nobody's way before retire. */
function bridgedIn({ phase }: AnchorRotation, { progress }: ReviewedRotation): string[] {
  const { count, first } = progress.bridged;
  if (count === 0 || phase === 'retire') return [];
  const more = count - Math.min(first.length, MOST.laggards);
  return [
    '',
    `Bridged (${formatCount(count)}), without the new trust anchor, and in the way of retire alone:`,
    ...first.slice(0, MOST.laggards).map((one) => `  ${describe(one)}`),
    ...(more > 0 ? [`  and ${formatQuantity(more, 'other')}`] : []),
  ];
}

/** What goes on without those who lag behind. */
function bridgeOffer({ phase, bridge }: AnchorRotation, { progress }: ReviewedRotation): string[] {
  if (progress.unaware.count === 0 || bridge !== undefined || (phase !== 'publish' && phase !== 'adopt')) return [];
  return [
    '',
    'To go on without waiting for those who lack the new trust anchor, have its certificate signed by the old one, where the key of that is:',
    ...SIGN_BRIDGE.map((line) => `  ${line}`),
    '  capstan anchor bridge --certificate cross.pem --reason TEXT',
  ];
}

const SIGN_BRIDGE = [
  String.raw`printf 'basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\n' > cross.ext`,
  String.raw`printf 'subjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n' >> cross.ext`,
  'openssl x509 -in new-root.pem -CA old-root.pem -CAkey old-root.key -CAcreateserial -clrext -extfile cross.ext -days 90 -sha256 -out cross.pem',
];

function sharesOf({ progress, atMs }: ReviewedRotation, width: number): string[] {
  const { all, namespaces } = progress;
  const shown: readonly (Share & { readonly name: string })[] = [
    { name: 'all', ...all },
    ...slowest(namespaces).map((share) => ({ name: share.namespace === '' ? '-' : share.namespace, ...share })),
  ];
  const nameWidth = Math.min(30, Math.max(9, ...shown.map(({ name }) => name.length)));
  const bar = Math.max(5, Math.min(WIDEST_BAR, Math.floor((width - nameWidth - 30) / 2)));
  const row = (name: string, count: string, know: string, present: string): string =>
    `${cut(name, nameWidth).padEnd(nameWidth)}  ${count.padStart(9)}  ${know.padEnd(bar + 7)}  ${present}`.trimEnd();
  const hidden = namespaces.length - (shown.length - 1);
  return [
    '',
    row('NAMESPACE', 'WORKLOADS', 'KNOW NEW', 'PRESENT NEW'),
    ...shown.map(({ name, workloads, know, present }) =>
      row(name, formatCount(workloads), share(know, workloads, bar), share(present, workloads, bar)),
    ),
    ...(hidden > 0 ? [`and ${formatQuantity(hidden, 'other namespace')}`] : []),
    `As of ${formatTime(atMs)}: ${formatCount(all.acknowledged)} of ${formatCount(all.know)} that know it acknowledged it; the others received it, and nobody saw it used.`,
  ];
}

/** Those that are furthest back first, so that what is cut off is what is done. */
function slowest(namespaces: readonly NamespaceShare[]): readonly NamespaceShare[] {
  const done = ({ workloads, know, present }: Share): number => (know + present) / Math.max(1, workloads);
  return namespaces.toSorted((a, b) => done(a) - done(b)).slice(0, MOST.namespaces);
}

function share(part: number, whole: number, bar: number): string {
  const of = whole === 0 ? 1 : part / whole;
  const full = Math.floor(of * bar);
  return `[${'#'.repeat(full)}${'-'.repeat(bar - full)}] ${String(Math.floor(of * 100)).padStart(3)}%`;
}

function laggardsOf(rotation: AnchorRotation, review: ReviewedRotation): string[] {
  const { count, first } = lagOf(rotation, review);
  if (count === 0) return [];
  const more = count - Math.min(first.length, MOST.laggards);
  return [
    '',
    `Behind (${formatCount(count)}):`,
    ...first.slice(0, MOST.laggards).map((one) => `  ${describe(one)}`),
    ...(more > 0 ? [`  and ${formatQuantity(more, 'other')}`] : []),
  ];
}

function lagOf({ phase }: AnchorRotation, { progress }: ReviewedRotation): Lag {
  if (phase === 'publish') return progress.unaware;
  return phase === 'adopt' ? progress.dependent : progress.holding;
}

const STEP: Partial<Readonly<Record<RotationPhase, string>>> = { publish: 'advance', adopt: 'retire' };

function gateOf({ phase }: AnchorRotation, { obstacles }: ReviewedRotation): string[] {
  const step = STEP[phase];
  if (obstacles.length === 0) return step === undefined ? [] : ['', `Nothing is in the way: capstan anchor ${step}`];
  return [
    '',
    `In the way of ${step ?? 'done'}:`,
    ...obstacles.flatMap(({ text, advice }) => [`  ${text}`, ...(advice === undefined ? [] : [`    ${advice}`])]),
  ];
}

function timesOf({ plan }: ReviewedRotation): string[] {
  return [
    '',
    ...plan.map(
      ({ phase, earliestMs, latestMs }) =>
        `${phase.padEnd(7)} can end at ${formatTime(earliestMs)}, and at ${formatTime(latestMs)} at the latest`,
    ),
  ];
}

/** Spaces before what is in a list; what continues it stands no deeper however often it is continued. */
const OF_A_LIST = 2;

/** At spaces; a word that is wider than the terminal is broken. */
function wrapped(line: string, width: number): string[] {
  if (line.length <= width) return [line];
  const indent = /^ */.exec(line)?.[0] ?? '';
  const space = line.lastIndexOf(' ', width);
  const at = space > indent.length + 2 ? space : width;
  return [line.slice(0, at), ...wrapped(`${indent.slice(0, OF_A_LIST)}  ${line.slice(at).trimStart()}`, width)];
}

function cut(text: string, width: number): string {
  return text.length <= width ? text : `${text.slice(0, width - 3)}...`;
}
