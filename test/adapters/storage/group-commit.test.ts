import assert from 'node:assert/strict';
import { GroupCommit, MAX_WAITING } from '../../../src/adapters/storage/group-commit.ts';
import type { AuthorityError } from '../../../src/domain/errors.ts';
import { settle } from '../../support/fakes/fake-clock.ts';
import { NEVER } from './sqlite/records.ts';

/** Commits that end when the test says so. */
function heldCommits() {
  const batches: string[][] = [];
  const ends: { resolve: () => void; reject: (reason: unknown) => void }[] = [];
  const commits = new GroupCommit<string>((batch) => {
    batches.push([...batch]);
    return new Promise((resolve, reject) => ends.push({ resolve, reject }));
  });
  return { commits, batches, ends };
}

describe('A group commit', () => {
  it('puts what arrives in one turn into one commit, and what arrives meanwhile into the next', async () => {
    const { commits, batches, ends } = heldCommits();
    const first = [commits.add('a', NEVER), commits.add('b', NEVER)];
    await settle();
    const second = [commits.add('c', NEVER), commits.add('d', NEVER)];
    await settle();
    assert.deepEqual(batches, [['a', 'b']]);
    ends[0]!.resolve();
    await Promise.all(first);
    assert.deepEqual(batches, [
      ['a', 'b'],
      ['c', 'd'],
    ]);
    ends[1]!.resolve();
    await Promise.all(second);
  });

  it('resolves nobody before the commit ends', async () => {
    const { commits, ends } = heldCommits();
    let durable = false;
    const added = commits.add('a', NEVER).then(() => (durable = true));
    await settle();
    assert.equal(durable, false);
    ends[0]!.resolve();
    await added;
  });

  it('fails every record of a failed commit and none of the next', async () => {
    const { commits, ends } = heldCommits();
    const failing = Promise.allSettled([commits.add('a', NEVER), commits.add('b', NEVER)]);
    await settle();
    const next = commits.add('c', NEVER);
    ends[0]!.reject(new Error('disk full'));
    assert.deepEqual(
      (await failing).map(({ status }) => status),
      ['rejected', 'rejected'],
    );
    await settle();
    ends[1]!.resolve();
    await next;
  });

  it('refuses a record at once when 10,000 are under way or waiting', async () => {
    const { commits, ends } = heldCommits();
    const underWay = commits.add('first', NEVER);
    await settle();
    const waiting = Array.from({ length: MAX_WAITING - 1 }, async (_, n) => commits.add(String(n), NEVER));
    await assert.rejects(commits.add('too many', NEVER), (error: AuthorityError) => error.reason === 'CAP-S04');
    ends[0]!.resolve();
    await underWay;
    ends[1]!.resolve();
    await Promise.all(waiting);
    const after = commits.add('fits again', NEVER);
    await settle();
    ends[2]!.resolve();
    await after;
  });

  it('leaves out a record whose caller has gone before the commit', async () => {
    const { commits, batches, ends } = heldCommits();
    const gone = new AbortController();
    const first = commits.add('a', NEVER);
    await settle();
    const left = commits.add('b', gone.signal);
    const stays = commits.add('c', NEVER);
    gone.abort(new Error('gone'));
    ends[0]!.resolve();
    await first;
    await assert.rejects(left, { message: 'gone' });
    assert.deepEqual(batches[1], ['c']);
    ends[1]!.resolve();
    await stays;
    await assert.rejects(commits.add('d', gone.signal), { message: 'gone' });
  });

  it('is drained when the last record is durable', async () => {
    const { commits, ends } = heldCommits();
    await commits.drained();
    void commits.add('a', NEVER);
    let drained = false;
    const waiting = commits.drained().then(() => (drained = true));
    await settle();
    assert.equal(drained, false);
    ends[0]!.resolve();
    await waiting;
  });
});
