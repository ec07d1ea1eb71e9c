// Inputs that failed once, after real files and public bug reports: what the command line says to each now.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { sarifViolations } from './support/sarif-schema/validator.ts';
import { run } from './support/transcript.ts';

const CASES = path.resolve(import.meta.dirname, '../vectors/cases');

/** In the folder of the case. @returns what is printed, and last the exit code where it is not 0. */
async function inCase(name: string, command: string): Promise<readonly string[]> {
  const home = process.cwd();
  process.chdir(path.join(CASES, name));
  try {
    return await run(`capstan policy check ${command}`);
  } finally {
    process.chdir(home);
  }
}

/** Identity and verdict of each row of the table. */
function verdicts(lines: readonly string[]): readonly string[] {
  return lines.flatMap((line) => {
    const found =
      /(Pod|Job|Deployment|\w+) (\S+)\s+spiffe:\/\/cluster\.local\/ns\/(\S+)\/sa\/(\S+)\s+\S+\s+(approved|refused [A-Z0-9-]+|unavailable [A-Z0-9-]+)/.exec(
        line,
      );
    return found === null ? [] : [`${found[3] ?? ''}/${found[2] ?? ''} as ${found[4] ?? ''}: ${found[5] ?? ''}`];
  });
}

describe('yaml-1.1-booleans', () => {
  it('is judged as Kubernetes reads it: yes, on and y are true', async () => {
    const files = ['true', 'yes', 'on', 'y'].map((name) => `y11/${name}.yaml`).join(' ');
    const lines = await inCase('yaml-1.1-booleans', `--bundle bundle-shop.yaml --policies y11/pol ${files}`);
    assert.deepEqual(
      verdicts(lines),
      ['on', 'true', 'y', 'yes'].map((name) => `shop/p-${name} as web: refused CAP-P12`),
    );
  });

  it('is judged as Kubernetes reads it: no is false, and 0400 is 256', async () => {
    const off = await inCase(
      'yaml-1.1-booleans',
      '--bundle bundle-shop.yaml --policies y11/pol2 y11/sa.yaml y11/p.yaml',
    );
    assert.deepEqual(verdicts(off), ['shop/p as web: approved']);
    const octal = await inCase('yaml-1.1-booleans', '--bundle bundle-shop.yaml --policies y11/pol3 y11/oct.yaml');
    assert.deepEqual(verdicts(octal), ['shop/oct as web: approved']);
  });
});

describe('foreign-file-freezes-cluster-view', () => {
  it('passes over the file of another tool, and says so', async () => {
    const lines = await inCase(
      'no-namespace-option',
      '--bundle bundle-shop.yaml --namespace shop nons.yaml ../foreign-file-freezes-cluster-view/man',
    );
    assert.deepEqual(verdicts(lines), ['shop/api as api: approved']);
    assert.ok(lines.includes('| 1 document of other tools passed over.'), lines.join('\n'));
  });
});

describe('file-over-1MiB', () => {
  it('is judged: release manifests are as large as that', async () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'over-1MiB-'));
    const field = (_: unknown, index: number) =>
      `            field${index}: { description: A field of a thing, type: string }\n`;
    const head =
      'apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: { name: things }\nspec:\n  properties:\n';
    const controller =
      'apiVersion: apps/v1\nkind: Deployment\nmetadata: { name: controller, namespace: shop }\nspec: { template: { spec: { serviceAccountName: controller, containers: [{ name: c, image: c }] } } }\n';
    writeFileSync(
      path.join(folder, 'big.yaml'),
      `${head}${Array.from({ length: 20_000 }, field).join('')}---\n${controller}`,
    );
    const lines = await inCase('no-namespace-option', `--bundle bundle-shop.yaml ${folder}/big.yaml`);
    rmSync(folder, { recursive: true });
    assert.deepEqual(verdicts(lines), ['shop/controller as controller: approved']);
  });
});

describe('generate-name', () => {
  it('is judged under the name that the API server completes', async () => {
    const lines = await inCase('generate-name', '--bundle ../yaml-1.1-booleans/bundle-shop.yaml gen.yaml');
    assert.deepEqual(verdicts(lines), ['shop/migrate-* as migrator: approved']);
  });
});

describe('no-namespace-option', () => {
  it('is judged in the namespace that is said, and otherwise says which was assumed', async () => {
    const said = await inCase('no-namespace-option', '--bundle bundle-shop.yaml --namespace shop nons.yaml');
    assert.deepEqual(verdicts(said), ['shop/api as api: approved']);
    assert.equal(said.filter((line) => line.includes('api')).length, 1, 'nothing but its row tells of it');
    const assumed = await inCase('no-namespace-option', '--bundle bundle-shop.yaml nons.yaml');
    assert.deepEqual(verdicts(assumed), ['default/api as api: refused CAP-P01']);
    assert.ok(assumed.includes('| 1 workload named no namespace: default was assumed (--namespace).'));
  });
});

describe('unjudged-workload-kinds', () => {
  it('judges whatever has a pod template or names a service account', async () => {
    const lines = await inCase('unjudged-workload-kinds', '--bundle deny.yaml kinds.yaml');
    const denied = ['ex as exsa', 'k8s as prometheus-k8s', 'pt as ptsa', 'sj as sjsa', 'tr as trsa', 'wf as wfsa'];
    const given = [
      'dc as dcsa',
      'ds as dssa',
      'in-tpl as tplsa',
      'kn as knsa',
      'ptm as ptmsa',
      'ro as rosa',
      'ss as sssa',
    ];
    assert.deepEqual(
      [...verdicts(lines)].sort(),
      [...denied.map((one) => `shop/${one}: refused CAP-P04`), ...given.map((one) => `shop/${one}: approved`)].sort(),
    );
    assert.ok(lines.includes('| 13 workloads judged, 6 without an identity.'), lines.join('\n'));
  });
});

describe('ci-report-empty-on-exit-2', () => {
  const broken = 'policy check --bundle ../yaml-1.1-booleans/bundle-shop.yaml none.yaml';
  const printed = (lines: readonly string[]): string =>
    lines
      .filter((line) => line.startsWith('| '))
      .map((line) => line.slice(2))
      .join('\n');
  const report = async (format: string, command = broken): Promise<string> => {
    const home = process.cwd();
    process.chdir(path.join(CASES, 'ci-report-empty-on-exit-2'));
    const lines = await run(`capstan ${command} --output ${format}`);
    process.chdir(home);
    assert.equal(lines.at(-1), '= 2');
    return printed(lines);
  };

  it('is a SARIF log whose invocation did not succeed, with the problem', async () => {
    const log = JSON.parse(await report('sarif')) as {
      runs: {
        invocations: { executionSuccessful: boolean; toolExecutionNotifications: { message: { text: string } }[] }[];
      }[];
    };
    assert.deepEqual(sarifViolations(log), []);
    const [invocation] = log.runs[0]?.invocations ?? [];
    assert.equal(invocation?.executionSuccessful, false);
    assert.match(invocation.toolExecutionNotifications[0]?.message.text ?? '', /none\.yaml: it does not exist/);
  });

  it('is a document in each other form', async () => {
    assert.match(await report('junit'), /errors="1"[\s\S]*<error type="unreadable" message="cannot read none\.yaml/);
    assert.match(await report('github'), /^::error title=policy check%3A unreadable::cannot read none\.yaml/);
    const json = JSON.parse(await report('json')) as { succeeded: boolean; problems: { message: string }[] };
    assert.equal(json.succeeded, false);
    const [quality] = JSON.parse(await report('gitlab')) as { location: { path: string } }[];
    assert.equal(quality?.location.path, '.');
  });

  for (const command of [
    'policy lint none',
    'policy test none',
    'policy diff none none',
    'policy explain 01JD --journal none',
    'policy explain --namespace a --service-account b --bundle none',
    'policy replay --journal none --bundle none',
    'drift --journal none --bundle none',
    'policy check',
    'policy check --no-such-option --bundle x y',
  ]) {
    it(`is a document of ${command}`, async () => {
      const log = JSON.parse(await report('sarif', command)) as {
        runs: { invocations: { executionSuccessful: boolean }[] }[];
      };
      assert.deepEqual(sarifViolations(log), []);
      assert.equal(log.runs[0]?.invocations[0]?.executionSuccessful, false);
    });
  }

  it('carries the verdicts on the rest when one manifest cannot be read', async () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'one-broken-'));
    writeFileSync(path.join(folder, 'broken.yaml'), 'a: [');
    const command = `policy check --bundle ../yaml-1.1-booleans/bundle-shop.yaml gen.yaml ${folder}`;
    const json = JSON.parse(await report('json', command)) as { workloads: { outcome: string }[]; problems: unknown[] };
    const log = JSON.parse(await report('sarif', command)) as {
      runs: { invocations: { executionSuccessful: boolean }[] }[];
    };
    rmSync(folder, { recursive: true });
    assert.deepEqual(
      json.workloads.map(({ outcome }) => outcome),
      ['approved'],
    );
    assert.equal(json.problems.length, 1);
    assert.deepEqual(sarifViolations(log), []);
    assert.equal(log.runs[0]?.invocations[0]?.executionSuccessful, false);
  });
});
