// An issuer whose key is in the memory of a server of two processes: the supervisor has it, whatever becomes of its workers.
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { status } from '@grpc/grpc-js';
import { runCli } from '../../../src/cli/program.ts';
import { recordTerminal } from '../../cli/support/recorded-terminal.ts';
import { RenewingAgent } from '../../support/clients/renewing-agent.ts';
import { eventually, freePort } from '../../support/eventually.ts';
import { PkiServer } from '../support/pki-server.ts';
import { RunningServer } from '../support/running-server.ts';
import { ServerFiles } from '../support/server-files.ts';
import { kill9, untilServing } from '../support/several-processes.ts';

const WITHIN = { withinMs: 120_000 };
const ASKED = 12;

describe('An issuer whose key is in memory, on a server of two processes', function () {
  this.timeout(300_000);

  async function signersOf(server: RunningServer): Promise<readonly string[]> {
    const answers = await Promise.all(Array.from({ length: ASKED }, async () => server.ask('default', 'demo')));
    for (const { code, details } of answers) assert.equal(code, status.OK, details);
    return [...new Set(answers.map(({ response }) => new X509Certificate(response!.certChain[1]!).serialNumber))];
  }

  async function rotate(files: ServerFiles): Promise<void> {
    const { terminal, error } = recordTerminal();
    const argv = ['issuer', 'rotate', 'default', '--activate', '--reason', 'a drill', '--data-dir', files.directory];
    assert.equal(await runCli(argv, { terminal, environment: {}, signal: AbortSignal.timeout(120_000) }), 0, error());
  }

  it('is the same for both, for one that takes the place of another, and another one after a restart', async () => {
    using files = await ServerFiles.create();
    await using pki = await PkiServer.start(files, files.pki.root);
    const settings = {
      processes: 2,
      'sds.sockets': [],
      'listen.tls.address': `127.0.0.1:${await freePort()}`,
      'issuer.chainFile': undefined,
      'issuer.keyFile': undefined,
      'issuer.upstream': { lifetime: '30d', vault: pki.settings },
    };
    const before = await RunningServer.start({ files, settings });
    const [slot1] = await untilServing(files, 2);
    const first = await signersOf(before);
    assert.equal(first.length, 1);
    assert.equal(pki.signed, 1);
    await kill9(slot1!.pid);
    await eventually(
      'another one is in its place',
      async () => (await untilServing(files, 2))[0]?.pid !== slot1!.pid,
      WITHIN,
    );
    assert.deepEqual(await signersOf(before), first);
    await rotate(files);
    assert.equal(pki.signed, 2);
    await eventually(
      'both sign with the next',
      async () => {
        const now = await signersOf(before);
        return now.length === 1 && now[0] !== first[0];
      },
      WITHIN,
    );
    using agent = new RenewingAgent(
      before.tlsPort,
      files.pki.root.certificatePem,
      'spiffe://cluster.local/ns/default/sa/agent',
    );
    const asked = await agent.renew(await files.mint.tokenIn('default', 'agent'));
    assert.equal(asked.code, 0, asked.message);
    const second = await signersOf(before);
    await before.stop();
    await using server = await RunningServer.start({ files, settings });
    assert.equal(pki.signed, 3);
    const third = await signersOf(server);
    assert.equal(third.length, 1);
    assert.notDeepEqual(third, second);
    agent.restart();
    const renewed = await agent.renew();
    assert.equal(renewed.code, 0, renewed.message);
    assert.doesNotMatch(files.logText, /PRIVATE KEY/);
  });
});
