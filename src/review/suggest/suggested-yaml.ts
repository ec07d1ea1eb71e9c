// A suggested policy as a file that can be committed as it is: what it rests on stands at its head.
import { stringify } from 'yaml';
import type { SuggestedPolicy } from '../../domain/policy/history/suggest.ts';
import { formatCount } from '../../domain/text/format-count.ts';
import { formatTime } from '../../domain/text/format-time.ts';
import type { NamespaceHistory } from './namespace-history.ts';

/** @param name of the policy. @returns nothing when nothing was issued to the namespace. */
export function suggestYaml(history: NamespaceHistory, name: string): string | undefined {
  const policy = history.observations.suggest(name);
  return policy && suggestedYaml(policy, history);
}

function suggestedYaml(policy: SuggestedPolicy, history: NamespaceHistory): string {
  const head = headOf(history).map((line) => `# ${line}`);
  return `${head.join('\n')}\n${stringify(policy, { lineWidth: 0, compat: 'yaml-1.1' })}`;
}

function headOf({ issued, untraced, refused, firstMs, lastMs }: NamespaceHistory): readonly string[] {
  const refusals = [...refused].sort(([a], [b]) => (a < b ? -1 : 1));
  const count = refusals.reduce((sum, [, each]) => sum + each, 0);
  const reasons = refusals.map(([reason, each]) => `${reason} ${formatCount(each)}`).join(', ');
  const decisions = issued + untraced + count;
  return [
    'The tightest policy that would have passed all that this namespace was issued, by capstan policy suggest.',
    `${formatCount(decisions)} decisions, ${formatTime(firstMs)} to ${formatTime(lastMs)}: ${formatCount(issued)} issued.`,
    count === 0 ? 'Nothing was refused.' : `${formatCount(count)} refused, and not covered: ${reasons}.`,
    ...(untraced === 0 ? [] : [`${formatCount(untraced)} issued, and not covered: it is not recorded what was asked.`]),
    'What has not happened in this time is refused by it: read it before you apply it.',
  ];
}
