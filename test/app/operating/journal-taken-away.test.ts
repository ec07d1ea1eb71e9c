// The journal of a running server is taken away: what clients and probes see of it.
import assert from 'node:assert/strict';
import { renameSync, truncateSync, rmSync } from 'node:fs';
import { status } from '@grpc/grpc-js';
import { eventually } from '../../support/eventually.ts';
import { buildCsr } from '../../support/certificates.ts';
import { RunningServer } from '../support/running-server.ts';

const SOON = { withinMs: 30_000 };

describe('A server whose journal', () => {
  let server: RunningServer;
  beforeEach(async () => {
    server = await RunningServer.start();
  });
  afterEach(() => server[Symbol.asyncDispose]());

  const journal = (): string => server.files.path('journal.db');

  async function askedFor(): Promise<{ readonly code: number; readonly details: string }> {
    using client = server.client();
    const headers = { authorization: `Bearer ${await server.files.mint.token()}` };
    return await client.call({ csr: (await buildCsr()).pem, headers });
  }

  async function notReady(why: RegExp): Promise<void> {
    await eventually(
      'not ready',
      async () => {
        const answer = await server.get('/readyz');
        return answer.status === 503 && why.test(await answer.text());
      },
      SOON,
    );
  }

  for (const [what, touch, why] of [
    ['is unlinked', (file: string) => rmSync(file), /journal.db is gone from its place/],
    // Whoever opens an empty file to read, as the inventory does, has SQLite remove the WAL beside it.
    [
      'is truncated',
      (file: string) => truncateSync(file, 0),
      /journal.db was changed by another program|journal.db-wal is gone from its place/,
    ],
    ['loses its lock', (file: string) => rmSync(`${file}.lock`), /journal.db.lock is gone from its place/],
    // Whoever opens the journal to read, as the outage budget does now and then, makes an empty one.
    [
      'loses its WAL',
      (file: string) => rmSync(`${file}-wal`),
      /journal.db-wal is (gone from its place|another file now)/,
    ],
  ] as const) {
    it(`${what} issues nothing, and is not ready also when nobody asks`, async () => {
      touch(journal());
      await notReady(why);
      const { code, details } = await askedFor();
      assert.equal(code, status.UNAVAILABLE);
      assert.match(details, /^CAP-S04 /);
    });
  }

  it('is renamed issues nothing, and goes on when it is back', async () => {
    renameSync(journal(), `${journal()}.old`);
    assert.match((await askedFor()).details, /^CAP-S04 /);
    await notReady(/journal.db is gone from its place/);
    renameSync(`${journal()}.old`, journal());
    await eventually('ready', async () => (await server.get('/readyz')).status === 200, SOON);
    assert.equal((await askedFor()).code, status.OK);
  });
});
