// The map of docs/architecture.md, enforced. Each failure names the line and the rule.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, type Dirent } from 'node:fs';
import path from 'node:path';
import ts from 'typescript';

const ROOT = path.resolve(import.meta.dirname, '..');
const SRC = path.join(ROOT, 'src');
const TEST = path.join(ROOT, 'test');
const MAP = 'see docs/architecture.md';

/** Lower floors know nothing of higher ones. `config` stands beside the ports and serves app and cli only. */
const FLOORS: Readonly<Record<string, number>> = {
  domain: 0,
  ports: 1,
  config: 1,
  yaml: 1,
  live: 1,
  durable: 1,
  authority: 2,
  adapters: 3,
  review: 4,
  app: 5,
  cli: 6,
  console: 7,
};
/** Rooms of the first floor that only some may enter, besides themselves. */
const OPEN_TO: Readonly<Record<string, readonly string[]>> = {
  config: ['app', 'cli'],
  yaml: ['adapters', 'config', 'review', 'cli'],
  live: ['authority', 'adapters', 'app'],
  durable: ['adapters', 'app'],
};
const MAX_CHILDREN = 15;
const MAX_LINES = 300;
/** Of each other file of src; the stages of app/compose name parts and do nothing else. */
const MAX_IMPORTS = 12;
/** One file per case, as many as there are. */
const CASES = ['test/vectors', 'test/transcripts'];
/**
 * Words of our own making, each with what the trade says instead: an identifier must not have one among the parts of
 * its camelCase or UPPER_CASE name.
 */
const PRIVATE_WORDS: Readonly<Record<string, string>> = {
  voice: 'policy statement',
  voices: 'policy statements',
  hearing: 'applicable statements',
  heard: 'applied',
  audible: 'applies to',
  softened: 'downgraded to audit',
  sight: 'snapshot reader',
  blind: 'unsynced',
  shelf: 'kind index',
  shelves: 'kind indexes',
  because: 'refusal reason',
  'rely on': 'record as decisive',
  door: 'listener',
  doors: 'listeners',
  deed: 'operation',
  noes: 'refusals',
  'turned away': 'dropped',
  withheld: 'unavailable (of a secret), undistributed (of a trust anchor)',
  dawdler: 'slow handshake',
  newcomer: 'new connection',
  'bundle opener': 'verifier',
  'bundle keeper': 'policy bundle manager',
  'bundle memory': 'rollback state',
  'admission problem': 'acceptance problem',
  told: 'reported, last sent',
  torn: 'version mismatch',
  owed: 'pending',
  'judge again': 'reevaluate',
  examiner: 'replayer',
  fixture: 'policy test',
  fixtures: 'policy tests',
  speaking: 'DELTA_RULES',
  wish: 'requested value',
  surface: 'api',
  'proven by': 'authenticationMethod',
};
/** Inside the domain an import may only go to a room further to the right, or stay. */
const DOMAIN_ROOMS = [
  'inventory',
  'issuance',
  'revocation',
  'trust',
  'audit',
  'administration',
  'policy',
  'cluster',
  'x509',
  'identity',
  'bounded',
  'text',
  '',
];

interface Import {
  readonly file: string;
  readonly line: number;
  readonly target: string;
  readonly typeOnly: boolean;
}

const files = readdirSync(SRC, { recursive: true, encoding: 'utf8' }).filter(
  (name) => /\.tsx?$/.test(name) && !name.startsWith('gen/'),
);
const sources = new Map(files.map((file) => [file, readFileSync(path.join(SRC, file), 'utf8')]));
const imports: readonly Import[] = files.flatMap((file) => importsOf(file));

function importsOf(file: string): Import[] {
  const text = sources.get(file) ?? '';
  const pattern = /^(import|export)( type)? [^;]*?from '([^']+)';|^import '([^']+)';/gm;
  return [...text.matchAll(pattern)].map((match) => ({
    file,
    line: text.slice(0, match.index).split('\n').length,
    target: resolve(file, match[3] ?? match[4] ?? ''),
    typeOnly: match[2] !== undefined,
  }));
}

function resolve(file: string, specifier: string): string {
  return specifier.startsWith('.') ? path.normalize(path.join(path.dirname(file), specifier)) : specifier;
}

const isFolder = (entry: Dirent): boolean => entry.isDirectory();
const floorOf = (file: string): number | undefined => FLOORS[file.split('/')[0] ?? ''];
const roomOf = (file: string): string => file.split('/').slice(0, -1)[1] ?? '';
const at = ({ file, line, target }: Import): string => `src/${file}:${line} imports ${target}`;
const local = imports.filter(({ file, target }) => sources.has(file) && sources.has(target));

function refuse(rule: string, offenders: readonly string[]): void {
  assert.deepEqual(offenders, [], `${rule}; ${MAP}`);
}

function linesMatching(pattern: RegExp, allowed: (file: string) => boolean): string[] {
  return files
    .filter((file) => !allowed(file))
    .flatMap((file) =>
      (sources.get(file) ?? '').split('\n').flatMap((line, index) => {
        const code = line.replace(/^\s*(\/\/|\*|\/\*).*$/, '');
        return pattern.test(code) ? [`src/${file}:${index + 1} ${line.trim()}`] : [];
      }),
    );
}

const under =
  (...folders: string[]) =>
  (file: string) =>
    folders.some((folder) => file === folder || file.startsWith(`${folder}/`));

describe('The house', () => {
  it('lets imports point down only', () => {
    const upward = local.filter(({ file, target }) => (floorOf(file) ?? 7) < (floorOf(target) ?? 7));
    refuse('a lower floor must not know a higher one', upward.map(at));
  });

  for (const [room, guests] of Object.entries(OPEN_TO)) {
    it(`lets only ${guests.join(', ')} into ${room}`, () => {
      const seen = local.filter(({ file, target }) => under(room)(target) && !under(room, ...guests)(file));
      refuse(`${room} is open to ${guests.join(', ')}`, seen.map(at));
    });
  }

  it('keeps adapters apart from one another', () => {
    const crossing = local.filter(
      ({ file, target }) => under('adapters')(file) && under('adapters')(target) && roomOf(file) !== roomOf(target),
    );
    refuse('adapter rooms meet only in src/app', crossing.map(at));
  });

  it('orders the rooms of the domain', () => {
    const wrong = local.filter(
      ({ file, target }) =>
        under('domain')(file) &&
        under('domain')(target) &&
        DOMAIN_ROOMS.indexOf(roomOf(file)) > DOMAIN_ROOMS.indexOf(roomOf(target)),
    );
    refuse(`domain rooms know only those to their right in ${DOMAIN_ROOMS.join(' > ')}`, wrong.map(at));
  });

  it('keeps the domain pure: of the platform it knows cryptography alone', () => {
    const foreign = imports.filter(
      ({ file, target }) => under('domain')(file) && !sources.has(target) && target !== 'node:crypto',
    );
    refuse('domain imports node:crypto and itself', foreign.map(at));
  });

  it('keeps ports free of the platform', () => {
    const foreign = imports.filter(({ file, target }) => under('ports')(file) && !sources.has(target));
    refuse('ports speak domain types', foreign.map(at));
  });

  it('keeps the console in the browser apart: of the server it has types alone', () => {
    const values = local.filter(
      ({ file, target, typeOnly }) =>
        under('console')(file) && !typeOnly && !under('console', 'domain/text', 'domain/reasons.ts')(target),
    );
    refuse('what the console runs beside its own is of domain/text', values.map(at));
  });

  it('lets only the gRPC adapter see generated code', () => {
    const seen = imports.filter(({ file, target }) => target.startsWith('gen/') && !under('adapters/grpc')(file));
    refuse('generated types stay at the wire', seen.map(at));
  });

  it('reviews texts and records: no file, no socket, no terminal, no exit code', () => {
    const platform = imports.filter(
      ({ file, target }) =>
        under('review')(file) &&
        (under('cli', 'app')(target) || /^(node:(?!(?:crypto|zlib)$)|commander$)/.test(target)),
    );
    refuse('what review judges is handed to it, by the command line or by a page', platform.map(at));
  });

  it(`has at most ${MAX_CHILDREN} children in a folder`, () => {
    const full = folders().filter(({ children }) => children > MAX_CHILDREN);
    refuse(
      'a prefix that recurs is a folder',
      full.map(({ folder, children }) => `${folder} has ${children}`),
    );
  });

  it(`says at the head of a file why it has more than ${MAX_LINES} lines, or imports more than ${MAX_IMPORTS} others`, () => {
    const silent = files.filter((file) => {
      const text = sources.get(file) ?? '';
      const head = (/^(\/\/.*\n)*/.exec(text)?.[0] ?? '').replaceAll('\n// ', ' ');
      const imported = local.filter((one) => one.file === file).length;
      const long = text.split('\n').length > MAX_LINES && !/\bis long\b.* because /.test(head);
      const wide = imported > MAX_IMPORTS && !under('app/compose')(file) && !/\bimports much\b.* because /.test(head);
      return long || wide;
    });
    refuse('split what holds two ideas, or say "It is long because" or "It imports much because"', silent);
  });

  it('names things by the words of the trade', () => {
    const found = files.flatMap((file) =>
      identifiersOf(file, sources.get(file) ?? '').flatMap(({ name, line }) =>
        Object.entries(PRIVATE_WORDS)
          .filter(([word]) => ` ${wordsOf(name)} `.includes(` ${word} `))
          .map(([, instead]) => `src/${file}:${line} ${name}: say ${instead}`),
      ),
    );
    refuse('a private word costs every reader; docs/glossary.md has the words', found);
  });

  it('has no value-import cycles', () => {
    refuse('a cycle hides a missing room', cycles());
  });

  it('reads YAML in one place', () => {
    refuse(
      'src/yaml is the only reader of YAML; others may write it',
      linesMatching(/^(?!import \{ stringify \} ).*from 'yaml'/, under('yaml')),
    );
  });

  it('reads the environment in one place', () => {
    refuse('the environment is read by src/config', linesMatching(/process\.env/, under('config')));
  });

  it('takes time, timers and randomness through ports', () => {
    const impure = /\b(Date\.now|new Date\(\)|Math\.random|setTimeout|setInterval|performance\.now)\b/;
    refuse('use the Clock and Random ports', linesMatching(impure, under('app', 'adapters', 'console')));
  });

  it('writes to the terminal in one place', () => {
    refuse(
      'src/cli/terminal.ts is the only writer',
      linesMatching(
        /\bconsole\.(log|info|warn|error|debug|table)\b|process\.(stdout|stderr)/,
        under('cli/terminal.ts'),
      ),
    );
  });

  it('never ends the process from inside', () => {
    refuse(
      'let the loop drain and set the exit code',
      linesMatching(/process\.exit\(/, () => false),
    );
  });
});

/** Each folder of src, and of test below its top level, with the number of files and folders in it. */
function folders(): readonly { readonly folder: string; readonly children: number }[] {
  const roots = [
    'src',
    ...readdirSync(TEST, { withFileTypes: true })
      .filter(isFolder)
      .map(({ name }) => `test/${name}`),
  ];
  return roots
    .filter((root) => !CASES.includes(root))
    .flatMap((root) => [root, ...foldersBelow(root)])
    .map((folder) => ({ folder, children: readdirSync(path.join(ROOT, folder)).length }));
}

function foldersBelow(root: string): string[] {
  return readdirSync(path.join(ROOT, root), { recursive: true, withFileTypes: true })
    .filter(isFolder)
    .map(({ parentPath, name }) => path.relative(ROOT, path.join(parentPath, name)))
    .filter((folder) => !folder.startsWith('src/gen'));
}

/** The identifiers of a file, with their lines; its comments and the text of its strings are no identifiers. */
function identifiersOf(file: string, text: string): { readonly name: string; readonly line: number }[] {
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest);
  const found: { readonly name: string; readonly line: number }[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isIdentifier(node) || ts.isPrivateIdentifier(node)) {
      found.push({ name: node.text, line: source.getLineAndCharacterOfPosition(node.getStart(source)).line + 1 });
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

/** `#turnedAway` and `TURNED_AWAY` are `turned away`. */
function wordsOf(identifier: string): string {
  const parts = identifier.split(/[^A-Za-z0-9]+|(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])/);
  return parts.join(' ').toLowerCase();
}

function cycles(): string[] {
  const edges = new Map<string, string[]>();
  for (const { file, target, typeOnly } of local) {
    if (!typeOnly) edges.set(file, [...(edges.get(file) ?? []), target]);
  }
  const done = new Set<string>();
  const visit = (file: string, trail: readonly string[]): string[] => {
    if (trail.includes(file)) return [[...trail.slice(trail.indexOf(file)), file].join(' -> ')];
    if (done.has(file)) return [];
    const found = (edges.get(file) ?? []).flatMap((next) => visit(next, [...trail, file]));
    done.add(file);
    return found;
  };
  return files.flatMap((file) => visit(file, []));
}
