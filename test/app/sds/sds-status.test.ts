// Who rejects what: an operator on the machine finds the proxy, and what it holds on to, until it is healed.
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { runCli } from '../../../src/cli/program.ts';
import { EXIT } from '../../../src/cli/exit-codes.ts';
import { recordTerminal } from '../../cli/support/recorded-terminal.ts';
import { eventually } from '../../support/eventually.ts';
import { NODE, pemOf, secretsOf, type SdsClient } from '../../support/clients/sds-client.ts';
import { RunningServer } from '../support/running-server.ts';
import { ServerFiles } from '../support/server-files.ts';

const SOON = { withinMs: 30_000 };

interface Status {
  readonly streams: number;
  readonly rejections: readonly Readonly<Record<string, unknown>>[];
}

describe('capstan sds status', () => {
  let files: ServerFiles;
  let server: RunningServer;
  const open: Disposable[] = [];

  beforeEach(async () => {
    files = await ServerFiles.create();
    server = await RunningServer.start({ files, settings: { 'sds.ttl': '4s', 'lifetimes.backdate': '0s' } });
  });
  afterEach(async () => {
    for (const client of open.splice(0)) client[Symbol.dispose]();
    await server[Symbol.asyncDispose]();
    files[Symbol.dispose]();
  });

  const { signal } = new AbortController();
  async function capstan(...argv: string[]) {
    const recorded = recordTerminal();
    const code = await runCli(argv, { terminal: recorded.terminal, environment: {}, signal });
    return { code, out: recorded.out(), error: recorded.error() };
  }
  async function status(): Promise<Status> {
    const { code, out } = await capstan('sds', 'status', '--data-dir', files.directory, '--output', 'json');
    assert.equal(code, EXIT.ok);
    return JSON.parse(out) as Status;
  }
  async function proxy(): Promise<SdsClient> {
    const client = server.sdsClient({ token: await files.mint.token() });
    open.push(client);
    return client;
  }

  for (const way of ['sotw', 'delta'] as const) {
    it(`names who rejected what over ${way}, from where and why, until a good secret is accepted`, async () => {
      assert.deepEqual(await status(), { streams: 0, rejections: [] });
      const stream = (await proxy())[way]();
      stream.subscribe('default');
      const response = await stream.next();
      stream.nack(response as never, 'Failed to load\nprivate key');
      const serial = new X509Certificate(pemOf(secretsOf(response)[0]!)).serialNumber.toLowerCase().replace(/^0+/, '');
      const [rejection] = await eventually(
        'the rejection is shown',
        async () => {
          const { rejections } = await status();
          return rejections.length > 0 && rejections;
        },
        SOON,
      );
      const { nodeId, podName, caller, secrets, message, connected, remoteAddress } = rejection ?? assert.fail();
      assert.deepEqual([nodeId, podName, connected], [NODE.id, 'demo-0', true]);
      assert.equal(caller, 'spiffe://cluster.local/ns/default/sa/demo');
      assert.match(String(remoteAddress), /^127\.0\.0\.1:\d+$/);
      const [{ name, serial: told } = assert.fail()] = secrets as readonly { name: string; serial: string }[];
      assert.deepEqual([name, told], ['default', serial]);
      assert.equal(message, 'Failed to load\nprivate key');
      const [line] = await eventually(
        'the log tells it',
        () => {
          const lines = files.logged('secretRejected');
          return lines.length > 0 && lines;
        },
        SOON,
      );
      assert.deepEqual(
        [line?.['nodeId'], line?.['remoteAddress'], line?.['secrets']],
        [nodeId, remoteAddress, secrets],
      );

      stream.cancel();
      await eventually('it is gone', async () => (await status()).rejections[0]?.['connected'] === false, SOON);
      const text = await capstan('sds', 'status', '--data-dir', files.directory);
      assert.match(text.out, /^0 streams open, 1 rejection without an accepted replacement\.\nTIME +WORKLOAD/);
      assert.match(
        text.out,
        new RegExp(`demo-0 .*sidecar .*\\(gone\\) +default +${serial} +Failed to load private key\n$`),
      );

      const back = (await proxy())[way]();
      back.subscribe('default');
      const healed = async (): Promise<boolean> => (await status()).rejections.length === 0;
      while (!(await healed())) await back.accept();
    });
  }

  it('is not to be had on the HTTP port, which knows nobody', async () => {
    assert.equal((await server.get('/sds/status')).status, 404);
  });

  it('finds the socket from the configuration, and says when no server answers', async () => {
    await server.stop();
    const { code, error } = await capstan('sds', 'status', '--data-dir', files.directory);
    assert.equal(code, EXIT.unavailable);
    assert.match(error, /admin\.sock: there is no such socket; is the server running\?/);
  });
});
