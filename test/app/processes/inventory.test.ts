// The inventory of a server of several processes: whichever of them issued, it is one answer.
import assert from 'node:assert/strict';
import { status } from '@grpc/grpc-js';
import { IDENTITY, type IdentityAnswer } from '../../../src/adapters/http/admin/administer-inventory.ts';
import { askServer } from '../../../src/cli/administration.ts';
import { runCli } from '../../../src/cli/program.ts';
import { recordTerminal } from '../../cli/support/recorded-terminal.ts';
import { eventually } from '../../support/eventually.ts';
import { RunningServer } from '../support/running-server.ts';
import { ServerFiles } from '../support/server-files.ts';
import { kill9, untilServing, workersOf } from '../support/several-processes.ts';

/** On connections of their own, so that the kernel spreads them over the processes. */
const MANY = 16;
const SOON = { withinMs: 30_000 };

describe('The inventory of a server of several processes', function () {
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

  /** Nothing while the process that keeps it is away. */
  async function listed(): Promise<readonly string[] | undefined> {
    const { terminal, out } = recordTerminal();
    const argv = ['inventory', '--namespace', 'default', '--output', 'json', '--data-dir', files.directory];
    const code = await runCli(argv, { terminal, environment: {}, signal: AbortSignal.timeout(30_000) });
    if (code !== 0) return undefined;
    const { entries } = JSON.parse(out()) as { readonly entries: readonly { readonly identity: string }[] };
    return entries.map(({ identity }) => identity.replace(/.*\//, ''));
  }

  async function issue(prefix: string): Promise<readonly string[]> {
    const names = Array.from({ length: MANY }, (_, index) => `${prefix}-${String(index).padStart(2, '0')}`);
    const answers = await Promise.all(names.map(async (name) => server.ask('default', name)));
    assert.ok(answers.every(({ code }) => code === status.OK));
    return names;
  }

  it('has on the page of one identity what each of them decided about it, with the chain of its issuer', async () => {
    const answers = await Promise.all(Array.from({ length: MANY }, async () => server.ask('default', 'one')));
    assert.ok(answers.every(({ code }) => code === status.OK));
    const path = `${IDENTITY}?identity=spiffe://cluster.local/ns/default/sa/one`;
    const place = { socketPath: files.path('admin.sock') };
    const shown = async () =>
      (await askServer(place, { method: 'GET', path }, AbortSignal.timeout(30_000))) as IdentityAnswer;
    const { rows, chains } = await eventually(
      'all of it is there',
      async () => {
        const answer = await shown();
        return answer.decisions.length === MANY && answer.rows.length > 0 && answer;
      },
      SOON,
    );
    assert.deepEqual(
      rows.map(({ podName, state }) => [podName, state]),
      [['one-0', 'live']],
    );
    assert.ok((chains[rows[0]?.issuer ?? '']?.length ?? 0) > 0);
  });

  it('has what each of them issued, also when the one that keeps it was killed', async () => {
    const before = await issue('before');
    const isListed = (names: readonly string[]) => async () => {
      const found = await listed();
      return names.every((name) => found?.includes(name));
    };
    await eventually('what both issued', isListed(before), SOON);
    const first = workersOf(files).find(({ slot }) => slot === 1) ?? assert.fail('there is no first slot');
    await kill9(first.pid);
    await untilServing(files, 2);
    const after = await issue('later');
    await eventually('what was issued since', isListed([...before, ...after]), SOON);
    assert.deepEqual(await listed(), [...before, ...after, 'one']);
  });
});
