// Versions of Capstan to run beside this one: another revision of the source, and a next one that is made of this source by
// one further migration of each store. Each in a temporary folder of its own, with this tree's packages where those are its own.
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { SCHEMA_VERSION } from '../../../src/adapters/storage/sqlite/file/journal-schema.ts';
import { RENAMED_KEYS } from '../../../src/config/renamed-keys.ts';

export type Settings = Readonly<Record<string, unknown>>;

export interface Version extends Disposable {
  /** For people. */
  readonly name: string;
  /** Its `main.ts`. */
  readonly main: string;
  /** Whether it goes on with a store that a newer one has only added to (docs/decisions/0050). */
  readonly goesOn: boolean;
  /** @param settings by dotted path, as this version names them. @returns them as that version does. */
  adapted(settings: Settings): Settings;
}

const ROOT = path.resolve(import.meta.dirname, '../../..');
const SQLITE_SCHEMA = 'src/adapters/storage/sqlite/file/journal-schema.ts';
const POSTGRES_SCHEMA = 'src/adapters/storage/postgres/schema/migrations.ts';
const RULE = 'src/adapters/storage/schema-version.ts';
/** A test prints what it needs of git, not more than this. */
const MAX_OUTPUT_BYTES = 64 * 1024 * 1024;

export function thisVersion(): Version {
  return {
    name: 'this version',
    main: mainOf(ROOT),
    goesOn: true,
    adapted: (settings) => settings,
    [Symbol.dispose]() {},
  };
}

/** This source and a migration more, which adds a column to the decisions of each store. */
export function nextVersion(): Version {
  const folder = newFolder();
  for (const part of ['src', 'package.json'])
    cpSync(path.join(ROOT, part), path.join(folder, part), { recursive: true });
  symlinkSync(path.join(ROOT, 'node_modules'), path.join(folder, 'node_modules'));
  const step = 'ALTER TABLE decisions ADD COLUMN of_the_next_version text';
  patch(
    path.join(folder, SQLITE_SCHEMA),
    /(MIGRATIONS: readonly string\[\] = \[[^]*?)\n\];/,
    `$1\n  '${step.replace('text', 'TEXT')}',\n];`,
  );
  patch(
    path.join(folder, POSTGRES_SCHEMA),
    /(MIGRATIONS: readonly string\[\] = \[[^]*?)\n?\];/,
    `$1\n  '${step}',\n];`,
  );
  return { ...versionIn(folder, 'the next version'), adapted: (settings) => settings };
}

/**
 * @param ref what git calls it; unless given the newest tag, and where there is none the newest revision whose schema is
 *   one version older.
 */
export function versionAt(ref: string = defaultRef()): Version {
  const folder = newFolder();
  const version = versionIn(folder, git('describe', '--always', '--tags', ref).trim());
  try {
    execFileSync('tar', ['-x', '-C', folder], { input: execFileSync('git', ['archive', ref], inRoot()) });
    furnish(folder, ref);
    return version;
  } catch (error) {
    version[Symbol.dispose]();
    throw error;
  }
}

function versionIn(folder: string, name: string): Version {
  const renamed = path.join(folder, 'src/config/renamed-keys.ts');
  return {
    name,
    main: mainOf(folder),
    get goesOn() {
      return existsSync(path.join(folder, RULE));
    },
    adapted: (settings) => withFormerNames(settings, existsSync(renamed) ? readFileSync(renamed, 'utf8') : ''),
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** @param known the keys that the version knows to have been renamed: all others have their former names in it. */
function withFormerNames(settings: Settings, known: string): Settings {
  const rows = RENAMED_KEYS.filter(({ old }) => !known.includes(`'${old}'`));
  const nameOf = (key: string): string => rows.find(({ now }) => now === key)?.old ?? key;
  return Object.fromEntries(Object.entries(settings).map(([key, value]) => [nameOf(key), value]));
}

/** Packages and generated code: ours where they are the same, otherwise made anew. */
function furnish(folder: string, ref: string): void {
  const packages = path.join(folder, 'node_modules');
  if (hasAll(lockIn(ROOT), lockIn(folder))) symlinkSync(path.join(ROOT, 'node_modules'), packages);
  else execFileSync('npm', ['ci', '--no-audit', '--no-fund'], { cwd: folder, stdio: 'pipe' });
  if (git('diff', '--name-only', ref, 'HEAD', '--', 'protos', 'buf.gen.yaml') === '')
    cpSync(path.join(ROOT, 'src/gen'), path.join(folder, 'src/gen'), { recursive: true });
  else execFileSync('npm', ['run', '-s', 'generate'], { cwd: folder, stdio: 'pipe' });
}

type Lock = Readonly<Record<string, { readonly version?: string }>>;

function lockIn(folder: string): Lock {
  const { packages } = JSON.parse(readFileSync(path.join(folder, 'package-lock.json'), 'utf8')) as { packages: Lock };
  return packages;
}

function hasAll(ours: Lock, theirs: Lock): boolean {
  return Object.entries(theirs).every(([name, { version }]) => name === '' || ours[name]?.version === version);
}

function defaultRef(): string {
  const tag = git('tag', '--sort=-creatordate', '--merged', 'HEAD').split('\n')[0] ?? '';
  if (tag !== '') return tag;
  // The last change of the number of steps, and the revision before it.
  const commits = git('log', '--format=%H', '--', SQLITE_SCHEMA).split('\n').filter(Boolean);
  const older = commits.find((commit) => stepsAt(commit) < SCHEMA_VERSION);
  if (older === undefined) throw new Error('no revision here has an older schema; name one with --from');
  const [next] = git('log', '--format=%H', '--reverse', `${older}..HEAD`, '--', SQLITE_SCHEMA).split('\n');
  return git('rev-parse', `${next ?? older}^`).trim();
}

/** Of the list each element begins a line, as it is formatted: a text, or the name of one. */
function stepsAt(commit: string): number {
  const [, list = ''] =
    /MIGRATIONS: readonly string\[\] = \[\n([^]*?)\n\];/.exec(git('show', `${commit}:${SQLITE_SCHEMA}`)) ?? [];
  return list.split('\n').filter((line) => /^ {2}([`'"]|[A-Z_]+,$)/.test(line)).length;
}

function patch(file: string, what: RegExp, by: string): void {
  const text = readFileSync(file, 'utf8');
  if (!what.test(text)) throw new Error(`the migrations of ${file} do not look as they did`);
  writeFileSync(file, text.replace(what, by));
}

function newFolder(): string {
  return mkdtempSync(path.join(tmpdir(), 'capstan-version-'));
}

function mainOf(folder: string): string {
  return path.join(folder, 'src/main.ts');
}

function git(...args: readonly string[]): string {
  return execFileSync('git', args, { ...inRoot(), encoding: 'utf8' });
}

function inRoot(): { readonly cwd: string; readonly maxBuffer: number } {
  return { cwd: ROOT, maxBuffer: MAX_OUTPUT_BYTES };
}
