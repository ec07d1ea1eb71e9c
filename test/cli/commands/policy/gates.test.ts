// What must not turn a pipeline green: nothing that was looked at, and bundles that servers will refuse.
import assert from 'node:assert/strict';
import { BUNDLE, issuancePolicy } from '../../../support/policy/policy-texts.ts';
import { PolicyFiles, type Run } from '../../support/policy-files.ts';

const LOCAL = issuancePolicy('{}');

async function capstan(files: Readonly<Record<string, string>>, ...words: readonly string[]): Promise<Run> {
  await using place = await PolicyFiles.make(files, []);
  return await place.run(...words);
}

describe('capstan policy lint', () => {
  it('does not pass where there is no policy to look at', async () => {
    const { code, error } = await capstan({ 'policies/notes.txt': 'later' }, 'policy', 'lint', '@policies');
    assert.equal(code, 2);
    assert.match(error, /there is no policy document in /);
  });
});

describe('capstan policy diff', () => {
  const changed = BUNDLE.replace(/max: \w+/, 'max: 5m');

  it('tells of a bundle that changed and did not count on: servers will refuse it', async () => {
    assert.notEqual(changed, BUNDLE);
    const { code, out } = await capstan(
      { 'old.yaml': BUNDLE, 'new.yaml': changed },
      ...['policy', 'diff', '@old.yaml', '@new.yaml', '--output', 'github'],
    );
    assert.equal(code, 1);
    assert.match(out, /metadata\.sequence is (\d+) after \1: a server that had the old one refuses the new/);
    const counted = changed.replace(/sequence: (\d+)/, (_, count) => `sequence: ${Number(count) + 1}`);
    const next = await capstan({ 'old.yaml': BUNDLE, 'new.yaml': counted }, 'policy', 'diff', '@old.yaml', '@new.yaml');
    assert.equal(next.code, 0, next.out);
  });

  it('does not hold a bundle against local policies', async () => {
    const { code, error } = await capstan(
      { 'old.yaml': BUNDLE, 'new.yaml': LOCAL },
      'policy',
      'diff',
      '@old.yaml',
      '@new.yaml',
    );
    assert.equal(code, 2);
    assert.match(error, /the old side has a bundle and the other has none/);
  });
});
