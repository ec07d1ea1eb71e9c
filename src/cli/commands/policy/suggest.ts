// `capstan policy suggest`: the tightest local policy that would have passed a namespace's past.
import { InvalidArgumentError, type Command } from 'commander';
import { isDnsLabel } from '../../../domain/text/dns-label.ts';
import { CommandError, EXIT } from '../../exit-codes.ts';
import type { Invocation } from '../../invocation.ts';
import {
  addJournalOptions,
  chosenJournal,
  momentOf,
  sinceOptionWithDefault,
  type JournalChoice,
  type Since,
} from '../../options/journal-options.ts';

interface SuggestOptions extends JournalChoice {
  readonly namespace: string;
  readonly name: string;
  readonly since: Since;
  readonly progress?: true;
}

const DEFAULT_SINCE: Since = { agoMs: 30 * 86_400_000 };

const EXAMPLES = `
Examples:
  $ capstan policy suggest --namespace shop --config capstan.yaml --since 30d > policies/shop/suggested.yaml

Service accounts, key types, the longest lifetime and whatever else was seen become the limits; conditions and
quotas are left to you. Ends with exit code 2 when nothing was issued to the namespace.`;

export function registerPolicySuggest(policy: Command, invocation: Invocation): void {
  const command = policy
    .command('suggest')
    .description('print the tightest local policy that would have allowed all that was issued')
    .requiredOption('--namespace <name>', 'the namespace that it is for', labelOption)
    .option('--name <name>', 'what it is called', labelOption, 'suggested')
    .addOption(sinceOptionWithDefault(DEFAULT_SINCE, '30d'));
  addJournalOptions(command)
    .addHelpText('after', EXAMPLES)
    .action((options: SuggestOptions) => suggest(options, invocation));
}

async function suggest(options: SuggestOptions, invocation: Invocation): Promise<void> {
  const { namespace, name, since, progress = false } = options;
  const journal = chosenJournal(options, invocation);
  const [{ NamespaceHistory }, { readJournal }, { suggestYaml }] = await Promise.all([
    import('../../../review/suggest/namespace-history.ts'),
    import('../../inputs/journal/read-journal.ts'),
    import('../../../review/suggest/suggested-yaml.ts'),
  ]);
  const history = new NamespaceHistory(namespace);
  const query = { sinceMs: momentOf(since, invocation.clock.nowMs()) };
  await readJournal({ journal, query, progress }, invocation, (record) => history.add(record));
  const yaml = suggestYaml(history, name);
  if (yaml === undefined) {
    throw new CommandError(EXIT.unreadable, `nothing was issued to namespace ${namespace} in this time`);
  }
  invocation.terminal.print(yaml);
}

/** RFC 1123, as namespaces are named. */
function labelOption(text: string): string {
  if (isDnsLabel(text)) return text;
  throw new InvalidArgumentError('Write 1 to 63 lower-case letters, digits and dashes.');
}
