// An intermediate that lives too short for its leaves, seen from outside: refused where it is new, and no outage where the
// server that is started has signed with it before.
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { status } from '@grpc/grpc-js';
import { checkIssuer } from '../../../src/app/compose/trust/issuers.ts';
import { testAuthority } from '../../support/certificates.ts';
import { FakeClock } from '../../support/fakes/fake-clock.ts';
import { configOf, RunningServer } from '../support/running-server.ts';
import { ServerFiles } from '../support/server-files.ts';

const HOUR_MS = 3_600_000;
const SHORT_LEAVES = { 'lifetimes.max': '1h' };
const LONG_LEAVES = { 'lifetimes.max': '24h', 'lifetimes.default': '24h' };

describe('An issuer that lives too short for its leaves', function () {
  this.timeout(60_000);
  let files: ServerFiles;
  before(async () => {
    files = await ServerFiles.create(await testAuthority({ intermediateLifetimeMs: 12 * HOUR_MS }));
  });
  after(() => files[Symbol.dispose]());

  it('is refused at a first start, with the arithmetic and what to ask for', async () => {
    await assert.rejects(
      RunningServer.start({ files, settings: LONG_LEAVES }),
      /CAP-X03.*issuer-chain\.pem has another lifetime than it needs: it lives for 12h, .*6 x 24h = 144h.*no leaf live longer than 2h/,
    );
  });

  it('is warned of by `config check`, which cannot know whether it has signed before', async () => {
    const checked = await checkIssuer(configOf({ ...files.settings, ...LONG_LEAVES }), new FakeClock(Date.now()));
    assert.equal(checked?.problem, undefined);
    assert.match(checked?.warnings.join() ?? '', /a server that has not signed with it refuses it/);
  });

  it('signs on after a restart with longer leaves, a sixth of what it has left each, and /readyz says why', async () => {
    {
      await using server = await RunningServer.start({ files, settings: SHORT_LEAVES });
      assert.equal((await server.ask('default', 'web')).code, status.OK);
    }
    await using server = await RunningServer.start({ files, settings: LONG_LEAVES });
    const { code, details, response } = await server.ask('default', 'web');
    assert.equal(code, status.OK, details);
    const { validFromDate, validToDate } = new X509Certificate(response!.certChain[0]!);
    const lifetimeMs = validToDate.getTime() - validFromDate.getTime();
    assert.ok(lifetimeMs <= 2 * HOUR_MS + 60_000 && lifetimeMs > 1.5 * HOUR_MS, `${lifetimeMs / HOUR_MS} h`);
    const { degraded } = (await (await server.get('/readyz')).json()) as { degraded?: { part: string; why: string }[] };
    assert.match(
      degraded?.find(({ part }) => part === 'issuer')?.why ?? '',
      /no more than a sixth of what the issuer has left/,
    );
  });
});
