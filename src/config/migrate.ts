// An older configuration in the words of today: each row of the table of renamed keys, one after the other.
import { formatPosition } from '../domain/text/position.ts';
import { moveKey } from '../yaml/move-key.ts';
import { readYaml, type YamlDocument } from '../yaml/read-yaml.ts';
import { RENAMED_KEYS, type RenamedKey } from './renamed-keys.ts';
import type { ConfigProblem } from './sources.ts';
import { CONFIG_FILE, configProblems } from './yaml-source.ts';

/** A key that was written under its old name. */
export interface RenamedThere extends RenamedKey {
  /** `file:line:column` of the old name. */
  readonly where: string;
}

export interface MigratedConfig {
  /** As it was when there are no changes. */
  readonly text: string;
  readonly changes: readonly RenamedThere[];
}

/**
 * Keys that never were any, and values, are for `config check` to judge.
 *
 * @param text of a configuration file. @param name what complaints call it.
 * @returns why it cannot be rewritten, when it cannot be read or has a key under both names.
 */
export function migrateConfig(
  text: string,
  name: string,
  table: readonly RenamedKey[] = RENAMED_KEYS,
): MigratedConfig | { readonly problems: readonly ConfigProblem[] } {
  const { documents, problems } = readYaml(text, name, CONFIG_FILE);
  const [document] = documents;
  if (document === undefined)
    return problems.length > 0 ? { problems: configProblems(problems) } : { text, changes: [] };
  if (document.data !== null && !isMapping(document.data)) {
    return {
      problems: [{ where: formatPosition(document.locate([])), path: '', message: 'must be a mapping of keys' }],
    };
  }
  const rows = table.filter(({ old }) => isThere(document, old));
  const twice = rows.filter(({ now }) => isThere(document, now));
  if (twice.length > 0) return { problems: twice.map((row) => doubled(document, row)) };
  const migrated = rows.reduce((before, { old, now }) => moveKey(before, old.split('.'), now.split('.')), text);
  return { text: migrated, changes: rows.map((row) => ({ ...row, where: whereOf(document, row.old) })) };
}

function isThere({ data }: YamlDocument, path: string): boolean {
  const parent = path
    .split('.')
    .slice(0, -1)
    .reduce<unknown>((value, name) => (isMapping(value) ? value[name] : undefined), data);
  return isMapping(parent) && Object.hasOwn(parent, path.split('.').at(-1) ?? '');
}

function doubled(document: YamlDocument, { old, now }: RenamedKey): ConfigProblem {
  const message = `is called ${now} now, which is there too: take one of the two away`;
  return { where: whereOf(document, old), path: old, message };
}

function whereOf(document: YamlDocument, path: string): string {
  return formatPosition(document.locate(path.split('.')));
}

function isMapping(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
