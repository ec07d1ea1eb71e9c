// A server of several processes at its first start below a CA that is away: it is live, says what it waits for, and ends when told to.
import assert from 'node:assert/strict';
import { serve } from '../../../src/app/serve.ts';
import { eventually, freePort } from '../../support/eventually.ts';
import { configOf } from '../support/running-server.ts';
import { ServerFiles } from '../support/server-files.ts';

interface Unready {
  readonly part: string;
  readonly worker?: number;
  readonly why: string;
}

describe('The first certificate of a server of several processes', function () {
  this.timeout(120_000);

  it('is waited for with what its CA answered in /readyz, until the server is told to stop', async () => {
    using files = await ServerFiles.create();
    files.write('token', 's.secret\n');
    const [http, vault] = [await freePort(), await freePort()];
    const config = configOf({
      ...files.settings,
      processes: 2,
      'sds.sockets': [],
      'listen.http.address': `127.0.0.1:${http}`,
      'issuer.chainFile': undefined,
      'issuer.keyFile': undefined,
      'issuer.directory': files.path('issuer'),
      'issuer.upstream': {
        lifetime: '30d',
        vault: {
          address: `https://127.0.0.1:${vault}`,
          caFile: files.path('anchors.pem'),
          mount: 'corp',
          tokenFile: files.path('token'),
        },
      },
    });
    const stop = new AbortController();
    const ended = serve(config, { signal: stop.signal, onReady: () => assert.fail('there is nothing to sign with') });
    try {
      const why = await eventually(
        'it says what its CA answered',
        async () => {
          const answer = await fetch(`http://127.0.0.1:${http}/readyz`, { signal: AbortSignal.timeout(30_000) });
          assert.equal(answer.status, 503);
          const { unready } = (await answer.json()) as { readonly unready: readonly Unready[] };
          return unready.find(({ part, worker }) => part === 'issuer upstreams' && worker === 1)?.why;
        },
        { withinMs: 60_000 },
      );
      assert.match(why, /the PKI corp at https:\/\/127\.0\.0\.1:\d+: it cannot be reached.*\(ECONNREFUSED\)/);
    } finally {
      stop.abort();
      await ended;
    }
  });
});
