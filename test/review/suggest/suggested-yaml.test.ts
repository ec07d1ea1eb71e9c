import assert from 'node:assert/strict';
import { NamespaceHistory } from '../../../src/review/suggest/namespace-history.ts';
import { suggestYaml } from '../../../src/review/suggest/suggested-yaml.ts';
import { parseTexts } from '../../../src/review/sources/policy-texts.ts';
import { issuedTo, refusedTo } from '../../support/policy/recorded-decisions.ts';

describe('A suggestion from records in memory', () => {
  it('is a policy that parses, of what its namespace was issued and nothing else', () => {
    const history = new NamespaceHistory('shop');
    for (const record of [issuedTo(), issuedTo({ who: 'team-a/api' }), refusedTo()]) history.add(record);
    const text = suggestYaml(history, 'seen') ?? '';
    assert.match(
      text,
      /^# The tightest policy.*\n# 2 decisions, .*: 1 issued\.\n# 1 refused, and not covered: CAP-P02 1\.\n/,
    );
    const { documents, problems } = parseTexts([{ place: 'seen.yaml', text }]);
    assert.deepEqual(problems, []);
    const [policy] = documents.map(({ document }) => document);
    assert.ok(policy?.kind === 'IssuancePolicy');
    assert.deepEqual([policy.namespace, policy.name], ['shop', 'seen']);
    assert.match(text, /serviceAccounts:\n +- web\n/);
    assert.doesNotMatch(text, /api\n/);
  });

  it('is none when nothing was issued to the namespace', () => {
    const history = new NamespaceHistory('pay');
    history.add(issuedTo());
    assert.equal(suggestYaml(history, 'seen'), undefined);
  });
});
