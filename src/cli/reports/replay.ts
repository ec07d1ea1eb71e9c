// A replay for people and pipelines: who would newly be refused comes first, and alone decides the exit code.
import type { ChangedGroup, ReplayResult } from '../../domain/policy/history/replay-tally.ts';
import { formatCount } from '../progress.ts';
import type { Finding, Report } from '../../review/findings.ts';
import type { Style, Terminal } from '../terminal.ts';
import { formatTime } from '../../domain/text/format-time.ts';

export interface Replay {
  readonly result: ReplayResult;
  /** Decisions that were read. */
  readonly decisions: number;
  /** Of them: those that policy was not asked about, or whose question was not recorded. */
  readonly leftOut: number;
  readonly revision: string;
  readonly bundle: string;
}

/** Groups that a person is shown of each change. */
const MAX_SHOWN = 50;

const SECTIONS: readonly {
  readonly change: keyof ReplayResult['groups'];
  readonly heading: string;
  readonly level: Finding['level'];
  readonly style: Style;
  /** Before the clause. */
  readonly lead: string;
}[] = [
  { change: 'newlyRefused', heading: 'would newly be refused', level: 'error', style: 'red', lead: '' },
  { change: 'newlyApproved', heading: 'would newly be approved', level: 'note', style: 'green', lead: 'was ' },
  { change: 'undecided', heading: 'cannot be told', level: 'note', style: 'yellow', lead: '' },
];

/** A case for each identity that something changes for. */
export function replayReport(replay: Replay, terminal: Terminal): Report {
  const findings = SECTIONS.flatMap(({ change, heading, level }) =>
    replay.result.groups[change].map((group) => findingOf(group, heading, level)),
  );
  const cases = [...Map.groupBy(findings, ({ subject = '' }) => subject)];
  return {
    tool: 'policy replay',
    cases: cases.map(([name, own]) => ({ name, findings: own })),
    json: jsonOf(replay),
    text: () => print(replay, terminal),
  };
}

function findingOf(group: ChangedGroup, heading: string, level: Finding['level']): Finding {
  const { identity, refusalReason, decisionId } = group;
  const message = `${heading}: ${formatTimes(group)}, ${refusalReason.where}: ${refusalReason.words}; such as decision ${decisionId}`;
  return { id: refusalReason.reason, level, message, subject: identity };
}

function jsonOf({ result, decisions, leftOut, revision, bundle }: Replay): unknown {
  const groups = Object.entries(result.groups).map(([change, list]) => [change, list.map(groupData)]);
  const { counts, ungrouped } = result;
  return { revision, bundle, decisions, leftOut, counts, ungrouped, ...Object.fromEntries(groups) };
}

function groupData({ identity, refusalReason, count, firstMs, lastMs, decisionId }: ChangedGroup): unknown {
  const time = (ms: number): string => new Date(ms).toISOString();
  return { identity, ...refusalReason, count, first: time(firstMs), last: time(lastMs), decision: decisionId };
}

function print({ result, decisions, leftOut, revision, bundle }: Replay, terminal: Terminal): void {
  for (const { change, heading, style, lead } of SECTIONS) {
    const groups = result.groups[change];
    if (groups.length === 0) continue;
    const head = `${formatDecisions(result.counts[change])} of ${formatIdentities(groups)} ${heading}`;
    terminal.print(terminal.styled(style, `${head}:`));
    for (const group of groups.slice(0, MAX_SHOWN)) printGroup(group, lead, terminal);
    if (groups.length > MAX_SHOWN) terminal.print(`  and ${groups.length - MAX_SHOWN} more; --output json has all`);
    terminal.print('');
  }
  const { unchanged, newlyRefused } = result.counts;
  terminal.print(
    `Asked revision ${revision} of ${bundle} about ${formatDecisions(decisions)}: ${[
      `${formatCount(unchanged)} unchanged`,
      `${formatCount(newlyRefused)} newly refused`,
      `${formatCount(result.counts.newlyApproved)} newly approved`,
      `${formatCount(result.counts.undecided)} undecided`,
      ...(leftOut === 0 ? [] : [`${formatCount(leftOut)} left out, because policy was not asked or no trace was kept`]),
    ].join(', ')}.`,
  );
}

function printGroup(group: ChangedGroup, lead: string, terminal: Terminal): void {
  const { identity, refusalReason, decisionId } = group;
  terminal.print(`  ${terminal.styled('bold', identity)}`);
  terminal.print(`    ${lead}${refusalReason.reason} ${refusalReason.where}: ${refusalReason.words}`);
  terminal.print(`    ${formatTimes(group)}; such as decision ${decisionId}`);
}

function formatTimes({ count, firstMs, lastMs }: ChangedGroup): string {
  if (count === 1) return `once, ${formatTime(firstMs)}`;
  return `${formatCount(count)} times, ${formatTime(firstMs)} to ${formatTime(lastMs)}`;
}

function formatDecisions(count: number): string {
  return count === 1 ? '1 decision' : `${formatCount(count)} decisions`;
}

function formatIdentities(groups: readonly ChangedGroup[]): string {
  const count = new Set(groups.map(({ identity }) => identity)).size;
  return count === 1 ? '1 identity' : `${formatCount(count)} identities`;
}
