// The pipelines of istio-config/ci: each line of them that runs Capstan is run here, against the example of a
// company's policies, so that what an operator copies works as it stands.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { parse, type CollectionTag } from 'yaml';
import { runCli } from '../../src/cli/program.ts';
import { issuedTo } from '../support/policy/recorded-decisions.ts';
import { PolicyFiles } from '../cli/support/policy-files.ts';
import { recordTerminal } from '../cli/support/recorded-terminal.ts';
import { sarifViolations } from '../cli/support/sarif-schema/validator.ts';
import { FakeClock } from '../support/fakes/fake-clock.ts';

const CONFIG = path.resolve(import.meta.dirname, '../../istio-config');
const REFERENCE: CollectionTag = { tag: '!reference', collection: 'seq' };

interface Step {
  readonly id?: string;
  readonly uses?: string;
  readonly run?: string;
  readonly if?: string;
  readonly with?: Readonly<Record<string, unknown>>;
}
interface Workflow {
  readonly on: { readonly pull_request: { readonly paths: readonly string[] } };
  readonly permissions: Readonly<Record<string, string>>;
  readonly jobs: Readonly<Record<string, { readonly steps: readonly Step[] }>>;
}
interface Job {
  readonly extends?: string;
  readonly script?: readonly string[];
  readonly rules?: readonly { readonly changes?: readonly string[] }[];
  readonly artifacts?: { readonly reports: Readonly<Record<string, string>> };
}

const textOf = (name: string): string => readFileSync(path.join(CONFIG, 'ci', name), 'utf8');
const github = parse(textOf('github-policy.yaml')) as Workflow;
const gitlab = parse(textOf('gitlab-policy.yml'), { customTags: [REFERENCE] }) as Record<string, Job>;
const steps = Object.values(github.jobs).flatMap((job) => job.steps);
const githubLines = steps.flatMap(({ run }) => run?.split('\n') ?? []);
const gitlabLines = Object.values(gitlab).flatMap(({ script }) => script ?? []);

interface CommandLine {
  readonly words: readonly string[];
  /** The file that standard output goes to. */
  readonly into: string | undefined;
}

/** @returns nothing for a line that does not run Capstan. */
function commandLine(line: string): CommandLine | undefined {
  const [, command, into] = /^capstan ([^>|]*?)(?: > (\S+))?(?: \|\| (?:true|code=\$\?))?$/.exec(line.trim()) ?? [];
  if (command === undefined) {
    assert.ok(!line.includes('capstan '), `a form that this test does not know: ${line}`);
    return undefined;
  }
  return { words: command.split(' ').map((word) => word.replaceAll('"', '')), into };
}

/** What the example deserves: its policies are fine, and some of its workloads are meant to be refused. */
const EXIT_CODES: Readonly<Record<string, number>> = { verify: 0, lint: 0, diff: 0, check: 1, replay: 0 };

/** For whoever changes the example's bundle: the private key that signed it exists no more. */
const RENEW = `the signature of istio-config/examples/security/bundle.yaml is void; in istio-config/examples:
  capstan bundle keygen --out /tmp/pki-security && capstan bundle sign security/bundle.yaml --key /tmp/pki-security.key
  mv /tmp/pki-security.pub security/keys/ && rm /tmp/pki-security.key`;

describe('A pipeline of istio-config/ci', () => {
  let files: PolicyFiles;
  const home = process.cwd();
  before(async () => {
    files = await PolicyFiles.make({}, [issuedTo({ who: 'shop/cart' })]);
    for (const name of ['repository', 'base']) {
      cpSync(path.join(CONFIG, 'examples'), files.path(name), { recursive: true });
    }
  });
  after(async () => await files[Symbol.asyncDispose]());
  beforeEach(() => process.chdir(files.path('repository')));
  afterEach(() => process.chdir(home));

  for (const [name, lines] of Object.entries({ 'github-policy.yaml': githubLines, 'gitlab-policy.yml': gitlabLines })) {
    for (const line of new Set(lines)) {
      const command = commandLine(line);
      if (command === undefined) continue;
      it(`runs in ${name}: capstan ${command.words.join(' ')}`, async () => {
        const words = command.words.map((word) => word.replace('$CAPSTAN_JOURNAL', files.path('journal.db')));
        const { terminal, out, error } = recordTerminal();
        const signal = new AbortController().signal;
        const code = await runCli(words, { terminal, environment: {}, clock: new FakeClock(), signal });
        assert.equal(error(), '', words[1] === 'verify' ? RENEW : '');
        assert.equal(code, EXIT_CODES[words[1] ?? ''], out());
        const format = words.at(words.indexOf('--output') + 1);
        if (format === 'sarif') assert.deepEqual(sarifViolations(JSON.parse(out())), []);
        if (format === 'gitlab') assert.ok(Array.isArray(JSON.parse(out())));
        if (format === 'junit') assert.match(out(), /^<\?xml [^]*<\/testsuites>\n$/);
      });
    }
  }

  it('verifies, lints, compares and checks, on either side', () => {
    for (const lines of [githubLines, gitlabLines]) {
      const commands = lines.flatMap((line) => commandLine(line)?.words[1] ?? []);
      for (const name of ['verify', 'lint', 'diff', 'check']) assert.ok(commands.includes(name), name);
    }
    assert.ok(githubLines.some((line) => line.includes('policy replay')));
  });

  it('runs each command in a step of its own, so that one push tells all', () => {
    const commands = steps.filter(({ run }) => run?.includes('capstan ') === true);
    for (const { run = '', if: condition } of commands) {
      assert.equal(run.split('\n').filter((line) => line.includes('capstan ')).length, 1, run);
      assert.match(condition ?? '', /!cancelled\(\)/, run);
    }
    const verdicts = Object.values(gitlab).map(({ script = [] }) =>
      script.filter((line) => line.startsWith('capstan ') && !line.endsWith('|| true')),
    );
    for (const deciding of verdicts) assert.ok(deciding.length <= 1, deciding.join('; '));
  });

  it('trusts the key that was there before the change', () => {
    for (const line of [...githubLines, ...gitlabLines]) {
      if (line.includes('bundle verify')) assert.match(line, / --key \.\.\/base\/security\/keys\//);
    }
  });

  it('hands on the reports that it wrote', () => {
    const upload = steps.find(({ uses }) => uses?.includes('upload-sarif'));
    const written = githubLines.flatMap((line) => commandLine(line)?.into ?? []);
    assert.deepEqual(written, [upload?.with?.['sarif_file']]);
    for (const [name, { script = [], artifacts }] of Object.entries(gitlab)) {
      const files = script.flatMap((line) => commandLine(line)?.into ?? []);
      assert.deepEqual(Object.values(artifacts?.reports ?? {}).sort(), files.sort(), name);
    }
  });

  for (const code of [0, 1, 2, 70]) {
    it(`ends the check of workloads with its exit code ${code}, and uploads only what judged everything`, () => {
      const shim = files.path(`shim-${code}`);
      mkdirSync(shim);
      writeFileSync(path.join(shim, 'capstan'), `#!/bin/sh\necho '{}'\nexit ${code}\n`, { mode: 0o700 });
      const output = path.join(shim, 'output');
      const script = steps.find(({ id }) => id === 'check')?.run ?? '';
      const env = { PATH: `${shim}:${process.env['PATH'] ?? ''}`, GITHUB_OUTPUT: output };
      // As GitHub runs a step.
      assert.equal(spawnSync('bash', ['-e', '-c', script], { env }).status, code);
      assert.equal(readFileSync(output, 'utf8'), `code=${code}\n`);
      const upload = steps.find(({ uses }) => uses?.includes('upload-sarif'));
      const [, accepted = ''] = /^\$\{\{ !cancelled\(\) && \((.*)\) \}\}$/.exec(upload?.if ?? '') ?? [];
      const alternatives = accepted.split(' || ');
      assert.equal(alternatives.includes(`steps.check.outputs.code == '${code}'`), code < 2);
      assert.equal(alternatives.length, 2);
    });
  }

  it('starts when something changes that the example has', () => {
    const paths = [...github.on.pull_request.paths, ...(gitlab['.capstan']?.rules?.[0]?.changes ?? [])];
    assert.ok(paths.length > 0);
    for (const each of paths) assert.ok(existsSync(path.join(CONFIG, 'examples', each.replace(/\/\*\*.*$/, ''))), each);
  });

  it('uses nobody else’s actions but those of GitHub, and asks for no more than it needs', () => {
    const actions = steps.flatMap(({ uses }) => uses ?? []);
    const known = /^(actions\/checkout|actions\/setup-node|github\/codeql-action\/upload-sarif)@v\d+$/;
    for (const action of actions) assert.match(action, known);
    assert.deepEqual(github.permissions, { contents: 'read', 'security-events': 'write' });
    // What a pull request says of itself never becomes part of a script.
    for (const { run } of steps) assert.ok(run?.includes('${{') !== true, run ?? '');
  });

  it('says at its head what stands for what', () => {
    for (const name of ['github-policy.yaml', 'gitlab-policy.yml']) {
      const text = textOf(name);
      const head = text.slice(0, text.search(/^[^#\n]/m));
      for (const [placeholder] of text.matchAll(/__[A-Z_]+__/g)) assert.ok(head.includes(placeholder), placeholder);
    }
  });
});
