// Linting directories of policies, as a pipeline does. What single files get to hear is in
// test/transcripts/policy-lint.txt.
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { runCli } from '../../../../src/cli/program.ts';
import { FakeClock } from '../../../support/fakes/fake-clock.ts';
import { recordTerminal } from '../../support/recorded-terminal.ts';
import { sarifViolations } from '../../support/sarif-schema/validator.ts';

const EXAMPLES = path.resolve(import.meta.dirname, '../../../../istio-config/examples');
const BUNDLE = path.join(EXAMPLES, 'security/bundle.yaml');

async function lint(...words: readonly string[]): Promise<{ code: number; out: string; error: string }> {
  const { terminal, out, error } = recordTerminal();
  const code = await runCli(['policy', 'lint', ...words], {
    terminal,
    environment: {},
    clock: new FakeClock(Date.UTC(2026, 0, 2)),
    signal: AbortSignal.abort(),
  });
  return { code, out: out(), error: error() };
}

const policy = (namespace: string, spec = '{}', name = 'own'): string =>
  `apiVersion: capstan.dev/v1alpha1\nkind: IssuancePolicy\nmetadata: { name: ${name}, namespace: ${namespace} }\nspec: ${spec}\n`;

describe('capstan policy lint', () => {
  let folder: string;
  const write = (name: string, text: string): void => {
    mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
    writeFileSync(path.join(folder, name), text);
  };
  beforeEach(() => void (folder = mkdtempSync(path.join(tmpdir(), 'lint-'))));
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('finds nothing wrong with the example of a company’s policies', async () => {
    const { code, out } = await lint('--bundle', BUNDLE, path.join(EXAMPLES, 'platform/policies'));
    assert.match(out, /: no findings\n$/);
    assert.equal(code, 0);
  });

  it('flags a local policy that is looser than the bundle, with its field and place', async () => {
    write('shop/loose.yaml', policy('shop', '\n  narrow:\n    ttl: { max: 48h }'));
    const { code, out } = await lint('--bundle', BUNDLE, folder);
    assert.match(
      out,
      /shop\/loose\.yaml:6:12: error: spec\.narrow\.ttl\.max: 48h is more than corp-mesh gives \(24h\)/,
    );
    assert.equal(code, 1);
  });

  it('flags what a server would refuse of a directory: foreign folders and repeated names', async () => {
    write('shop/a.yaml', policy('data'));
    write('shop/b.yaml', policy('shop'));
    write('shop/c.yaml', policy('shop'));
    const { code, out } = await lint('--bundle', BUNDLE, folder);
    assert.match(out, /a\.yaml:3:\d+: error: metadata\.namespace: is data, but a file below shop\//);
    assert.match(out, /c\.yaml:3:\d+: error: metadata\.name: repeats the IssuancePolicy shop\/own of .*b\.yaml:1:1/);
    assert.equal(code, 1);
  });

  it('leaves folders alone where none was said to be a server’s', async () => {
    write('teams/shop/a.yaml', policy('shop'));
    assert.equal((await lint(BUNDLE, folder)).code, 0);
  });

  it('reads on after a file that is broken, empty, binary or too large', async () => {
    write('broken.yaml', 'a: [');
    write('empty.yaml', '');
    write('binary.yaml', '\u0000\u0001');
    write('loose.yaml', policy('shop', '{ narrow: { ttl: { max: 48h } } }'));
    const { code, out } = await lint('--bundle', BUNDLE, folder);
    for (const name of ['broken', 'empty', 'binary', 'loose']) assert.match(out, new RegExp(`${name}.yaml:1?\\d`));
    assert.equal(code, 1);
    write('large.yaml', `# ${'x'.repeat(2 ** 20)}`);
    const large = await lint('--bundle', BUNDLE, folder);
    assert.match(large.error, /large\.yaml is larger than 1048576 bytes/);
    assert.equal(large.code, 2);
  });

  it('says what is wrong with the bundle that it is to hold policies against', async () => {
    write('bundle.yaml', policy('shop'));
    const { code, out } = await lint('--bundle', path.join(folder, 'bundle.yaml'), EXAMPLES + '/platform/policies');
    assert.match(out, /bundle\.yaml:1:1: error: is not one PolicyBundle and nothing else \[policy\/schema\]/);
    assert.equal(code, 1);
  });

  it('reports in SARIF that validates, with a case for each file in JUnit', async () => {
    write('shop/loose.yaml', policy('shop', '{ narrow: { ttl: { max: 48h } } }'));
    write('shop/fine.yaml', policy('shop', '{}', 'fine'));
    const sarif = await lint('--bundle', BUNDLE, folder, '--output', 'sarif');
    const log = JSON.parse(sarif.out) as { runs: { results: { ruleId: string }[] }[] };
    assert.deepEqual(sarifViolations(log), []);
    assert.deepEqual(
      log.runs[0]?.results.map(({ ruleId }) => ruleId),
      ['policy/exceeds'],
    );
    assert.equal(sarif.code, 1);
    const junit = await lint('--bundle', BUNDLE, folder, '--output', 'junit');
    assert.match(junit.out, /<testsuites name="capstan policy lint" tests="2" failures="1"/);
  });
});
