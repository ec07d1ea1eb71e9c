import assert from 'node:assert/strict';
import { readJournal } from '../../../../src/cli/inputs/journal/read-journal.ts';
import { FakeClock } from '../../../support/fakes/fake-clock.ts';
import { issuedTo } from '../../../support/policy/recorded-decisions.ts';
import { PolicyFiles } from '../../support/policy-files.ts';
import { recordTerminal } from '../../support/recorded-terminal.ts';

describe('Reading a long journal', () => {
  it('ends when the person who waits for it ends it', async () => {
    await using files = await PolicyFiles.make(
      {},
      Array.from({ length: 2_500 }, () => issuedTo()),
    );
    const { terminal } = recordTerminal();
    const end = new AbortController();
    const ended = {
      terminal,
      clock: new FakeClock(),
      environment: {},
      signal: end.signal,
      rereads: new EventTarget(),
      endWith: () => assert.fail(),
    };
    let seen = 0;
    const journal = { store: { kind: 'sqlite', file: files.path('journal.db') } } as const;
    const reading = { journal, query: {}, progress: false };
    await assert.rejects(
      readJournal(reading, ended, () => {
        seen += 1;
        end.abort();
      }),
      /ended after 500 decisions/,
    );
    assert.equal(seen, 500, 'what the thread had handed over already');
  });
});
