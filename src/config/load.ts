// Loading, in three stages: sources, one raw record, one validated frozen configuration. Every
// problem is found before any is reported.
import type { z } from 'zod';
import type { Key } from './key.ts';
import { isWithin } from './renamed-keys.ts';
import { RULES, type Rule } from './rules/rules.ts';
import type { Config } from './schema.ts';
import {
  environmentSource,
  flagSource,
  givenSource,
  KEYS,
  type ConfigProblem,
  type Entry,
  type Source,
} from './sources.ts';
import { WARNINGS } from './rules/warnings.ts';
import { fileSource, yamlSource } from './yaml-source.ts';

export interface ConfigSources {
  /** What the program assumes, by dotted path and spelled as in a file; anything else overrides it. */
  readonly given?: Readonly<Record<string, unknown>>;
  /** Path of a YAML file; overrides `given`. */
  readonly file?: string;
  /** The text of such a file, and what complaints call it, where it is not on this machine. */
  readonly text?: { readonly text: string; readonly place: string };
  /** Overrides the file. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** Text by dotted path; overrides everything. */
  readonly flags?: Readonly<Record<string, string>>;
}

export interface LoadedConfig {
  readonly config: Config;
  /** Each key that a source sets; the rest has its default. */
  readonly entries: ReadonlyMap<string, Entry>;
  /** What is allowed, but has a consequence that the operator may not intend. */
  readonly warnings: readonly ConfigProblem[];
}

export interface InvalidConfig {
  readonly problems: readonly ConfigProblem[];
}

/** @returns the configuration, or all that is wrong with it: unknown keys, bad values, broken rules. */
export function loadConfig(sources: ConfigSources): LoadedConfig | InvalidConfig {
  const read = readSources(sources);
  const entries = new Map(read.flatMap((source) => [...source.entries]));
  const isOpen = (path: string): boolean => !entries.has(path) && read.some((source) => leavesOpen(source, path));
  const { values, problems } = judgeKeys(entries, isOpen);
  const config = nested(values);
  const judged = { values, entries, isOpen };
  const all = [...read.flatMap((source) => source.problems), ...problems, ...judgeRules(RULES, config, judged)];
  return all.length > 0
    ? { problems: all }
    : { config: frozen(config), entries, warnings: judgeRules(WARNINGS, config, judged) };
}

/** Weakest first. */
function readSources({ given, file, text, environment, flags }: ConfigSources): readonly Source[] {
  return [
    ...(given === undefined ? [] : [givenSource(given, 'built in')]),
    ...(file === undefined ? [] : [fileSource(file)]),
    ...(text === undefined ? [] : [yamlSource(text.text, text.place)]),
    environmentSource(environment ?? {}),
    flagSource(flags ?? {}),
  ];
}

interface Judged {
  /** The sound ones, by dotted path. */
  readonly values: ReadonlyMap<string, unknown>;
  readonly problems: readonly ConfigProblem[];
}

/** A key that an unreadable source may have set is not missing. */
function leavesOpen({ unreadable, problems }: Source, path: string): boolean {
  return (
    unreadable === true ||
    problems.some(
      (problem) =>
        path.startsWith(`${problem.path}.`) || (problem.renamedTo !== undefined && isWithin(path, problem.renamedTo)),
    )
  );
}

function judgeKeys(entries: ReadonlyMap<string, Entry>, isOpen: (path: string) => boolean): Judged {
  const values = new Map<string, unknown>();
  const problems: ConfigProblem[] = [];
  for (const [path, key] of KEYS) {
    const entry = entries.get(path);
    if (key.traits.devOnly === true && entry !== undefined && entry.builtIn !== true) {
      problems.push({ where: whereOf(entry, []), path, message: 'is set by `serve --dev` alone' });
      continue;
    }
    if (entry === undefined && key.required) {
      if (!isOpen(path)) problems.push(missing(path, key));
      continue;
    }
    const result = key.shape.schema.safeParse(entry === undefined ? key.fallback : entry.value);
    if (result.success) values.set(path, result.data);
    else problems.push(...result.error.issues.map((issue) => complaint(path, key, entry, issue)));
  }
  return { values, problems };
}

function missing(path: string, { shape }: Key<unknown>): ConfigProblem {
  return { where: NOWHERE, path, message: `is required: ${shape.words}` };
}

/** What is wrong with a key that may carry a credential is said without quoting it. */
function complaint(path: string, key: Key<unknown>, entry: Entry | undefined, issue: z.core.$ZodIssue): ConfigProblem {
  const message = key.traits.secret === true ? `must be ${key.shape.words}` : issue.message;
  return { where: whereOf(entry, issue.path), path: pathWithin(path, issue.path), message };
}

/** Where a key is missing that has no default. */
const NOWHERE = 'configuration';

interface JudgedKeys extends Pick<Judged, 'values'> {
  readonly entries: ReadonlyMap<string, Entry>;
  /** Whether no source sets the key, and one that could not be read may have. */
  readonly isOpen: (path: string) => boolean;
}

function judgeRules(
  rules: readonly Rule[],
  config: Config,
  { values, entries, isOpen }: JudgedKeys,
): readonly ConfigProblem[] {
  const askable = rules.filter(({ reads }) => reads.every((path) => values.has(path) && !isOpen(path)));
  return askable.flatMap(({ reads: [path, ...others], check }) => {
    // A key left at its default is not where the mistake was made.
    const said = [path, ...others].find((candidate) => entries.has(candidate)) ?? path;
    return check(config).map(({ within = [], problem }) => ({
      where:
        entries.has(said) || KEYS.get(said)?.fallback !== undefined
          ? whereOf(entries.get(said), said === path ? within : [])
          : NOWHERE,
      path: pathWithin(path, within),
      message: problem,
    }));
  });
}

function whereOf(entry: Entry | undefined, within: readonly PropertyKey[]): string {
  return entry === undefined ? 'default' : entry.where(within);
}

/** `sds.sockets` and `[0, 'path']` make `sds.sockets[0].path`. */
function pathWithin(path: string, within: readonly PropertyKey[]): string {
  return path + within.map((step) => (typeof step === 'number' ? `[${step}]` : `.${String(step)}`)).join('');
}

/** From dotted paths to sections. Keys with problems are absent; only rules that read none of them see the result then. */
function nested(values: ReadonlyMap<string, unknown>): Config {
  const root: Record<string, unknown> = {};
  for (const [path, value] of values) {
    const names = path.split('.');
    const last = names.pop() ?? '';
    const section = names.reduce((parent, name) => (parent[name] ??= {}) as Record<string, unknown>, root);
    section[last] = value;
  }
  return root as unknown as Config;
}

function frozen<T>(value: T): T {
  if (typeof value === 'object' && value !== null) {
    for (const part of Object.values(value)) frozen(part);
    Object.freeze(value);
  }
  return value;
}
