// An issuer that rolls over by itself on a server of two processes, under load: one of them acts, and each takes the leaves of
// both intermediates, also of one that it has not seen yet.
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { RenewingAgent } from '../../support/clients/renewing-agent.ts';
import { eventually } from '../../support/eventually.ts';
import { PkiServer } from '../support/pki-server.ts';
import { RunningServer } from '../support/running-server.ts';
import { ServerFiles } from '../support/server-files.ts';
import { untilServing } from '../support/several-processes.ts';

const AGENTS = 4;
const WITHIN = { withinMs: 120_000 };
/** A sixth of what the intermediate has left when it is replaced, with time to spare. */
const LEAVES = { 'lifetimes.max': '40s', 'lifetimes.default': '40s', 'sds.ttl': '40s', 'serving.ttl': '40s' };

describe('A rollover on a server of two processes', function () {
  this.timeout(300_000);

  it('happens by itself without a call that fails, and each renews leaves of both intermediates', async () => {
    using files = await ServerFiles.create();
    await using pki = await PkiServer.start(files, files.pki.root);
    const settings = {
      ...LEAVES,
      processes: 2,
      'sds.sockets': [],
      // OpenSSL looks at time(2), which lags some milliseconds behind the clock that issues: the second before has to do.
      'lifetimes.backdate': '1s',
      'issuer.chainFile': undefined,
      'issuer.keyFile': undefined,
      'issuer.directory': files.path('issuer'),
      'issuer.upstream': { lifetime: '5m', prepareAt: 0.05, activateAt: 0.1, vault: pki.settings },
    };
    await using server = await RunningServer.start({ files, settings });
    await untilServing(files, 2);
    const inForce = (): string => new X509Certificate(readFileSync(files.path('issuer/tls.crt'))).serialNumber;
    const first = inForce();
    let over = false;
    const agents = Array.from({ length: AGENTS }, async (_, index) => {
      const account = `agent-${index}`;
      const identity = `spiffe://cluster.local/ns/default/sa/${account}`;
      using agent = new RenewingAgent(server.tlsPort, files.pki.root.certificatePem, identity);
      const asked = await agent.renew(await files.mint.tokenIn('default', account));
      assert.equal(asked.code, 0, asked.message);
      let renewed = 0;
      while (!over) {
        // Whichever process takes the next connection is shown what the other may have just issued.
        agent.restart();
        const { code, message } = await agent.renew();
        assert.equal(code, 0, message);
        renewed += 1;
      }
      return renewed;
    });
    const all = Promise.all(agents);
    all.catch(() => undefined);
    try {
      const rolled = eventually('another one is in force', () => inForce() !== first, WITHIN);
      await Promise.race([rolled, all]);
      const signers = async (): Promise<ReadonlySet<string>> => {
        const answers = await Promise.all(Array.from({ length: 12 }, async () => server.ask('default', 'demo')));
        return new Set(answers.map(({ response }) => new X509Certificate(response?.certChain[1] ?? '').serialNumber));
      };
      await eventually('both sign with it', async () => !(await signers()).has(first), WITHIN);
    } finally {
      over = true;
    }
    const renewed = await all;
    assert.ok(Math.min(...renewed) > 0, renewed.join());
    assert.ok(pki.signed >= 2);
  });
});
