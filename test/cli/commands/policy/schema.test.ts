import assert from 'node:assert/strict';
import { parseAllDocuments } from 'yaml';
import { policyCrds } from '../../../../src/adapters/policy/crd/policy-crds.ts';
import { describePolicySchema } from '../../../../src/adapters/policy/schema/describe-schema.ts';
import { policyJsonSchema } from '../../../../src/adapters/policy/schema/json-schema.ts';
import { runCli } from '../../../../src/cli/program.ts';
import { recordTerminal } from '../../support/recorded-terminal.ts';

async function printed(...words: readonly string[]): Promise<string> {
  const { terminal, out, error } = recordTerminal();
  const code = await runCli(['policy', 'schema', ...words], {
    terminal,
    environment: {},
    signal: AbortSignal.abort(),
  });
  assert.deepEqual([code, error()], [0, '']);
  return out();
}

describe('capstan policy schema', () => {
  it('prints the JSON Schema of policy documents', async () => {
    assert.deepEqual(JSON.parse(await printed()), policyJsonSchema());
  });

  it('prints what the API server needs to know of local policies with --crds', async () => {
    const crds = parseAllDocuments(await printed('--crds')).map((document) => document.toJS() as unknown);
    assert.deepEqual(crds, JSON.parse(JSON.stringify(policyCrds())));
  });

  it('prints the reference page with --markdown', async () => {
    assert.equal(await printed('--markdown'), describePolicySchema());
  });
});
