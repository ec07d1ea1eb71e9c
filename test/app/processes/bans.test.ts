// What an operator revokes at a server of several processes: it counts in all of them when the command returns, also in one that
// starts later, and is one record.
import assert from 'node:assert/strict';
import { status } from '@grpc/grpc-js';
import { runCli } from '../../../src/cli/program.ts';
import type { OperationRecord } from '../../../src/ports/storage/operation-journal.ts';
import { recordTerminal } from '../../cli/support/recorded-terminal.ts';
import { RunningServer } from '../support/running-server.ts';
import { ServerFiles } from '../support/server-files.ts';
import { kill9, untilServing, workersOf } from '../support/several-processes.ts';

/** On connections of their own, so that the kernel spreads them over the processes. */
const MANY = 24;

describe('What is revoked at a server of several processes', function () {
  this.timeout(120_000);
  let files: ServerFiles;
  let server: RunningServer;
  before(async () => {
    files = await ServerFiles.create();
    server = await RunningServer.start({ files, settings: { processes: 2 } });
    await untilServing(files, 2);
  });
  after(async () => {
    await server[Symbol.asyncDispose]();
    files[Symbol.dispose]();
  });

  async function run(...argv: readonly string[]): Promise<string> {
    const { terminal, out, error } = recordTerminal();
    const where = ['--data-dir', files.directory];
    const code = await runCli([...argv, ...where], { terminal, environment: {}, signal: AbortSignal.timeout(30_000) });
    assert.equal(code, 0, error());
    return out();
  }
  /** How many are answered by all processes together. */
  async function answers(): Promise<readonly string[]> {
    const asked = Array.from({ length: MANY }, async () => server.ask('default', 'web'));
    const seen = (await Promise.all(asked)).map(({ code, details }) => `${status[code]} ${details.slice(0, 7)}`.trim());
    return [...new Set(seen)];
  }

  it('is refused in all of them when the command returns, in one that starts later too, with one record', async () => {
    assert.deepEqual(await answers(), ['OK']);
    const revoked = await run('revoke', '--namespace', 'default', '--reason', 'a drill');
    assert.deepEqual(await answers(), ['PERMISSION_DENIED CAP-R01']);
    const [first] = workersOf(files);
    await kill9(first?.pid ?? 0);
    await untilServing(files, 2);
    assert.deepEqual(await answers(), ['PERMISSION_DENIED CAP-R01']);
    const [id = ''] = /[0-9a-f]{16}/.exec(revoked) ?? [];
    await run('revoke', 'lift', id, '--reason', 'it is over');
    assert.deepEqual(await answers(), ['OK']);
    const operations = JSON.parse(await run('journal', 'operations', '--output', 'json')) as OperationRecord[];
    assert.deepEqual(
      operations
        .filter(({ operation }) => operation.startsWith('revoke'))
        .map(({ operation, details }) => [operation, details?.target]),
      [
        ['revoke lift', 'namespace default'],
        ['revoke', 'namespace default'],
      ],
    );
  });
});
