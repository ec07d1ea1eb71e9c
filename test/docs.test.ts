// What operators search for must be where they look for it.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { REASONS } from '../src/domain/reasons.ts';

describe('docs/refusals.md', () => {
  const page = readFileSync(path.resolve(import.meta.dirname, '../docs/refusals.md'), 'utf8');
  const rows = new Map(
    page
      .split('\n')
      .filter((line) => line.startsWith('| CAP-'))
      .map((line) => line.split('|').map((cell) => cell.trim()))
      .map(([, reason = '', status = '', text = '']) => [reason, { status, text }]),
  );

  it('has every reason that the server can give, and no other', () => {
    assert.deepEqual([...rows.keys()].sort(), Object.keys(REASONS).sort());
  });

  for (const [reason, { text }] of Object.entries(REASONS)) {
    it(`says of ${reason} what the server says`, () => assert.equal(rows.get(reason)?.text, text));
  }
});
