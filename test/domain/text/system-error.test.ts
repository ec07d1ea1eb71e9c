import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { codeOf, directoryProblem, fileProblem, listeningProblem } from '../../../src/domain/text/system-error.ts';

const failureOf = (work: () => unknown): unknown => {
  try {
    return work();
  } catch (cause) {
    return cause;
  }
};

describe('A failure of the operating system', () => {
  it('is told in words that go on a sentence about its path', () => {
    const file = import.meta.filename;
    assert.equal(fileProblem(failureOf(() => readFileSync(`${file}.none`))), 'does not exist');
    assert.equal(fileProblem(failureOf(() => readFileSync(`${file}/none`))), 'is below a file that is not a directory');
    assert.equal(directoryProblem(failureOf(() => readdirSync(file))), 'is not a directory');
  });

  it('keeps its code where there are no words for it, for the operator to look up', () => {
    const cause = Object.assign(new Error('i/o error, read'), { code: 'EIO' });
    assert.equal(codeOf(cause), 'EIO');
    assert.equal(fileProblem(cause), 'cannot be read (EIO)');
    assert.equal(listeningProblem(cause), 'cannot be listened on (EIO)');
  });

  it('without a code says no more than that: its message may repeat what was read', () => {
    assert.equal(codeOf(new Error('secret')), undefined);
    assert.equal(fileProblem(new Error('secret')), 'cannot be read (unknown failure)');
  });
});
