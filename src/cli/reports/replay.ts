// A replay for people and programs.
import type { ChangedGroup } from '../../domain/policy/history/replay-tally.ts';
import { formatCount, formatQuantity } from '../../domain/text/format-count.ts';
import {
  formatTimes,
  REPLAY_CHANGES,
  replayCases,
  type Replay,
  type ReplayChange,
} from '../../review/replay/replay.ts';
import type { Style, Terminal } from '../terminal.ts';
import type { Report } from './report.ts';

/** Groups that a person is shown of each change. */
const MAX_SHOWN = 50;

const SECTIONS: readonly {
  readonly change: ReplayChange;
  readonly style: Style;
  /** Before the clause. */
  readonly lead: string;
}[] = [
  { change: 'newlyRefused', style: 'red', lead: '' },
  { change: 'newlyApproved', style: 'green', lead: 'was ' },
  { change: 'undecided', style: 'yellow', lead: '' },
];

export function replayReport(replay: Replay, terminal: Terminal): Report {
  return {
    tool: 'policy replay',
    cases: replayCases(replay),
    json: jsonOf(replay),
    text: () => print(replay, terminal),
  };
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
  for (const { change, style, lead } of SECTIONS) {
    const groups = result.groups[change];
    if (groups.length === 0) continue;
    const head = `${formatQuantity(result.counts[change], 'decision')} of ${formatIdentities(groups)} ${REPLAY_CHANGES[change].sentence}`;
    terminal.print(terminal.styled(style, `${head}:`));
    for (const group of groups.slice(0, MAX_SHOWN)) printGroup(group, lead, terminal);
    if (groups.length > MAX_SHOWN) terminal.print(`  and ${groups.length - MAX_SHOWN} more; --output json has all`);
    terminal.print('');
  }
  const { unchanged, newlyRefused } = result.counts;
  terminal.print(
    `Asked revision ${revision} of ${bundle} about ${formatQuantity(decisions, 'decision')}: ${[
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

function formatIdentities(groups: readonly ChangedGroup[]): string {
  const count = new Set(groups.map(({ identity }) => identity)).size;
  return count === 1 ? '1 identity' : `${formatCount(count)} identities`;
}
