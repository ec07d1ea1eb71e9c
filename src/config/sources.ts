// First stage of loading: each source gives what it says about which key, and where it says so.
import { keysOf, environmentName, flagName, type Key } from './key.ts';
import { renamedKey, renamedWithin, type RenamedKey } from './renamed-keys.ts';
import { schema } from './schema.ts';
import { suggestion } from './shapes/shapes.ts';

/** One thing that is wrong with a configuration. */
export interface ConfigProblem {
  /** `file:line:column`, the name of a variable or flag, or `configuration` when a key is missing everywhere. */
  readonly where: string;
  /** Dotted path of the key, such as `lifetimes.max`; empty when it is about the source as a whole. */
  readonly path: string;
  readonly message: string;
  /** The key's path today, where an old one was written. */
  readonly renamedTo?: string;
}

/** What one source says about one key, unjudged. */
export interface Entry {
  readonly value: unknown;
  /** @param within the rest of the path, inside a structured value. */
  readonly where: (within: readonly PropertyKey[]) => string;
  /** The program itself says so. */
  readonly builtIn?: boolean;
}

export interface Source {
  readonly entries: ReadonlyMap<string, Entry>;
  readonly problems: readonly ConfigProblem[];
  /** The source could not be read to its end: keys that seem to be missing may not be. */
  readonly unreadable?: boolean;
}

export const KEYS: ReadonlyMap<string, Key<unknown>> = keysOf(schema);
/** Keys that have another name now, sections taken apart. */
export const OLD_KEYS: readonly RenamedKey[] = renamedWithin([...KEYS.keys()]);

const PREFIX = 'CAPSTAN_';
/** What Kubernetes itself puts into containers beside a Service whose name begins with `capstan`. */
const SERVICE_LINK = /_(SERVICE_(HOST|PORT(_[A-Z0-9_]+)?)|PORT(_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?)$/;

/** Every scalar key has a variable; one that begins with CAPSTAN_ and is none of them is refused. */
export function environmentSource(environment: Readonly<Record<string, string | undefined>>): Source {
  const names = new Map([...textKeys()].map(([path, key]) => [environmentName(path), { path, key }]));
  const entries = new Map<string, Entry>();
  const problems: ConfigProblem[] = [];
  for (const [name, text] of Object.entries(environment)) {
    if (!name.startsWith(PREFIX) || SERVICE_LINK.test(name) || text === undefined) continue;
    const known = names.get(name);
    if (known !== undefined) entries.set(known.path, textEntry(known.key, text, name));
    else problems.push(unknownName(name, environmentName));
  }
  return { entries, problems };
}

/** @param flags by dotted path, as the command line gave them. */
export function flagSource(flags: Readonly<Record<string, string>>): Source {
  const entries = Object.entries(flags).flatMap(([path, text]): [string, Entry][] => {
    const key = KEYS.get(path);
    return key === undefined ? [] : [[path, textEntry(key, text, flagName(path))]];
  });
  const unknown = Object.keys(flags).filter((path) => !KEYS.has(path));
  return { entries: new Map(entries), problems: unknown.map((path) => unknownName(flagName(path), flagName)) };
}

/** Values that the program itself hands in, by dotted path and spelled as in a file. */
export function givenSource(values: Readonly<Record<string, unknown>>, name: string): Source {
  const entries = Object.entries(values).map(([path, value]): [string, Entry] => [
    path,
    { value, where: () => name, builtIn: true },
  ]);
  const unknown = entries.filter(([path]) => !KEYS.has(path));
  return {
    entries: new Map(entries),
    problems: unknown.map(([path]) => unknownKey(name, path)),
  };
}

/** The keys that text alone can set. */
export function textKeys(): ReadonlyMap<string, Key<unknown>> {
  return new Map([...KEYS].filter(([, { shape, traits }]) => shape.form !== 'structured' && traits.devOnly !== true));
}

/** @returns the problem of a key that is none: its new name, or what may have been meant. */
export function unknownKey(where: string, path: string): ConfigProblem {
  const renamed = renamedKey(path);
  if (renamed === undefined) return { where, path, message: `unknown key; ${suggestion(path, [...KEYS.keys()])}` };
  const { now, since } = renamed;
  const message = `is called ${now} since ${since}; \`capstan config migrate\` rewrites the file`;
  return { where, path, message, renamedTo: now };
}

/** As `unknownKey`, for variables and flags, whose names `spelled` makes of a key's path. */
function unknownName(name: string, spelled: (path: string) => string): ConfigProblem {
  const renamed = OLD_KEYS.find(({ old }) => spelled(old) === name);
  if (renamed === undefined) {
    return {
      where: name,
      path: '',
      message: `is no setting; ${suggestion(name, [...textKeys().keys()].map(spelled))}`,
    };
  }
  const { now, since } = renamed;
  return { where: name, path: '', message: `is called ${spelled(now)} since ${since}`, renamedTo: now };
}

function textEntry(key: Key<unknown>, text: string, name: string): Entry {
  return { value: fromText(key, text), where: () => name };
}

/** Text that is no number or truth value stays as it is, for the shape to complain about. */
function fromText({ shape: { form } }: Key<unknown>, text: string): unknown {
  if (form === 'list') return text === '' ? [] : text.split(',').map((member) => member.trim());
  if (form === 'number') return /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : text;
  if (form === 'boolean') return text === 'true' ? true : text === 'false' ? false : text;
  return text;
}
