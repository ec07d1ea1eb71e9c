import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { FileBundleState } from '../../../../../src/adapters/policy/bundle/file-bundle-state.ts';
import {
  HttpsPolicyBundleSource,
  MAX_BACK_OFF_MS,
} from '../../../../../src/adapters/policy/bundle/sources/https-bundle-source.ts';
import { FakeClock, settle } from '../../../../support/fakes/fake-clock.ts';
import { recordEvents } from '../../../../support/fakes/recorded-events.ts';
import { BundleServer, serverCertificate, type ServerCertificate } from '../bundle-server.ts';
import { bundleText, HoldersFolder, signatureText, type HolderName } from '../holders.ts';

const POLL_MS = 60_000;
/** No jitter. */
const random = { bytes: (length: number) => new Uint8Array(length), fraction: () => 0 };

describe('The policy bundle from a web server', () => {
  let certificate: ServerCertificate;
  let folder: HoldersFolder;
  let server: BundleServer;
  let life: AbortController;

  before(async () => (certificate = await serverCertificate()));
  beforeEach(async () => {
    folder = new HoldersFolder();
    server = await BundleServer.start(certificate);
    life = new AbortController();
  });
  afterEach(async () => {
    life.abort();
    await server[Symbol.asyncDispose]();
    folder[Symbol.dispose]();
  });

  function offer(sequence: number, by: readonly HolderName[] = ['ada']): void {
    const text = bundleText({ sequence });
    server.offer(text, signatureText(text, by));
  }

  function source({ clock = new FakeClock(), url = server.url, caPem = certificate.caPem, timeoutMs = 5_000 } = {}) {
    const events = recordEvents();
    const state = new FileBundleState(folder.file('state.json'));
    const trust = { keyFiles: folder.pin(), threshold: 1, state };
    const copyFile = folder.file('state.json.copy');
    const caFile = folder.file('ca.pem', caPem);
    const settings = { clusterId: 'prod-1', trust, url, caFile, copyFile, pollIntervalMs: POLL_MS, timeoutMs };
    return { clock, events, source: new HttpsPolicyBundleSource({ clock, events, random }, settings) };
  }

  async function started(options: Parameters<typeof source>[0] = {}) {
    const made = source(options);
    await made.source.start({ signal: life.signal });
    const { clock, events } = made;
    const inForce = (): number => made.source.current().bundle.sequence;
    const failures = (): string[] => events.of('reloadFailed').map(({ problem }) => String(problem));
    /** Moves on by one wait and until the source waits again. */
    const poll = async (afterMs = POLL_MS): Promise<void> => {
      await waiting(clock);
      await clock.advance(afterMs);
      await waiting(clock);
    };
    return { ...made, inForce, failures, poll };
  }

  it('is fetched with its signature, trusted by the pinned authority alone', async () => {
    offer(42);
    const { inForce, source } = await started();
    assert.equal(inForce(), 42);
    assert.equal(source.current().place, server.url);
    assert.deepEqual(server.asked, ['/bundle.yaml', '/bundle.yaml.sig']);
  });

  it('is not asked for from a server under another authority', async () => {
    offer(42);
    const { caPem } = await serverCertificate();
    await assert.rejects(started({ caPem }), {
      reason: 'CAP-X03',
      message: /localhost:\d+\/bundle\.yaml .*(certificate|signature)/,
    });
    assert.deepEqual(server.asked, []);
  });

  it('is not asked for with a pinned authority that is none', async () => {
    await assert.rejects(started({ caPem: 'none' }), /ca\.pem has no PEM block of type CERTIFICATE/);
  });

  for (const url of ['http://localhost/bundle.yaml', 'https://user:secret@localhost/bundle.yaml', 'nonsense']) {
    it(`is not fetched from ${url.replace(/:[^/]*@/, ':…@')}`, () => {
      assert.throws(() => source({ url }), /must be https and carry no password/);
    });
  }

  it('is not sent again while it is the newest', async () => {
    offer(42);
    const { poll, events } = await started();
    const tag = `"${bundleText().length}"`;
    await poll();
    assert.deepEqual(server.asked.slice(2), [`/bundle.yaml ${tag}`]);
    assert.equal(events.of('reloaded').length, 1);
  });

  it('is followed when it is replaced', async () => {
    offer(42);
    const { poll, inForce } = await started();
    offer(1043);
    await poll();
    assert.equal(inForce(), 1043);
  });

  it('stays when a newer one is refused, which is asked for whole each time until it is good', async () => {
    offer(42);
    const { poll, inForce, failures } = await started();
    offer(1043, ['eve']);
    await poll();
    await poll(2 * POLL_MS);
    assert.equal(inForce(), 42);
    assert.equal(failures().length, 1);
    assert.match(failures()[0] ?? '', /bundle\.yaml\.sig:1:1 signatures 1 of 2 pinned keys must sign, 0 did/);
    offer(1043, ['bob']);
    await poll(4 * POLL_MS);
    assert.equal(inForce(), 1043);
  });

  it('is looked at twice when its signature is still that of the old one', async () => {
    offer(42);
    const { clock, inForce, failures, poll } = await started();
    const text = bundleText({ sequence: 1043 });
    server.documents.set('/bundle.yaml', text);
    await poll();
    // The second half of the upload arrives while the source waits for it.
    server.documents.set('/bundle.yaml.sig', signatureText(text));
    await clock.advance(1_000);
    await waiting(clock);
    assert.deepEqual([inForce(), failures()], [1043, []]);
  });

  it('is told when its signature does not fit at the second look either', async () => {
    offer(42);
    const { clock, inForce, failures, poll } = await started();
    server.documents.set('/bundle.yaml', bundleText({ sequence: 1043 }));
    await poll();
    assert.deepEqual(failures(), []);
    await clock.advance(1_000);
    await waiting(clock);
    assert.equal(inForce(), 42);
    assert.match(failures().join(), /digest is of another bundle than this one/);
  });

  it('is asked for less and less often while that fails, and as usual after that', async () => {
    offer(42);
    const { poll, failures } = await started();
    server.misbehave = (_, response) => response.writeHead(503).end();
    const asked = (): number => server.asked.length;
    const quiet = asked();
    await poll();
    await poll(2 * POLL_MS - 1);
    assert.equal(asked(), quiet + 1);
    await poll(1);
    assert.equal(asked(), quiet + 2);
    for (const waitMs of [4 * POLL_MS, 8 * POLL_MS, MAX_BACK_OFF_MS, MAX_BACK_OFF_MS]) await poll(waitMs);
    assert.equal(asked(), quiet + 6);
    assert.equal(failures().length, 1);
    server.misbehave = undefined;
    await poll(MAX_BACK_OFF_MS);
    await poll();
    assert.equal(asked(), quiet + 8);
  });

  describe('outlives a restart while the server is down', () => {
    it('with the bundle of the last run, judged anew', async () => {
      offer(42);
      await started();
      server.misbehave = (_, response) => response.destroy();
      const { inForce, failures } = await started();
      assert.equal(inForce(), 42);
      assert.equal(failures().length, 1);
    });

    it('but not with a copy that somebody changed', async () => {
      offer(42);
      await started();
      const forged = {
        apiVersion: 'capstan.dev/v1alpha1',
        kind: 'PolicyBundleCopy',
        bundle: bundleText({ sequence: 43 }),
      };
      writeFileSync(
        folder.file('state.json.copy'),
        JSON.stringify({ ...forged, signature: signatureText(bundleText({ sequence: 43 }), ['eve']) }),
      );
      server.misbehave = (_, response) => response.writeHead(500).end();
      await assert.rejects(started(), /answered with status 500/);
    });

    it('but not when nothing is remembered', async () => {
      offer(42);
      await started();
      rmSync(folder.file('state.json.copy'));
      server.misbehave = (_, response) => response.writeHead(500).end();
      await assert.rejects(started(), {
        reason: 'CAP-X03',
        message: /bundle\.yaml answered with status 500, wanted 200/,
      });
    });

    it('and never goes back when the server offers an older one', async () => {
      offer(43);
      await started();
      offer(42);
      const { inForce, failures } = await started();
      assert.equal(inForce(), 43);
      assert.match(failures().join(), /is a rollback/);
    });
  });

  describe('is refused', () => {
    const BAD: readonly (readonly [string, RegExp, (response: ServerResponse) => void])[] = [
      [
        'behind a redirect',
        /answered with a redirect \(302\), which is not followed/,
        (response) => response.writeHead(302, { location: '/elsewhere' }).end(),
      ],
      ['when it was not found', /answered with status 404, wanted 200/, (response) => response.writeHead(404).end()],
      [
        'as "not modified" when we have none',
        /answered with status 304, wanted 200/,
        (response) => response.writeHead(304).end(),
      ],
      [
        'when it is larger than 1 MiB',
        /answered more than 1048576 bytes/,
        (response) => response.writeHead(200).end('x'.repeat(1_100_000)),
      ],
      [
        'compressed, which could be a bomb',
        /answered with a compressed document/,
        (response) => response.writeHead(200, { 'content-encoding': 'gzip' }).end('x'),
      ],
      [
        'when it is cut off',
        /aborted/,
        (response) => response.writeHead(200, { 'content-length': '100' }).write('x', () => response.destroy()),
      ],
      ['when it does not come in time', /did not answer within 0\.2 s/, () => undefined],
      ['when it trickles', /did not answer within 0\.2 s/, (response) => response.writeHead(200).write('x')],
    ];
    for (const [when, problem, misbehave] of BAD) {
      it(when, async () => {
        server.misbehave = (_, response) => misbehave(response);
        await assert.rejects(started({ timeoutMs: 200 }), { reason: 'CAP-X03', message: problem });
        assert.equal(server.asked.length, 1);
      });
    }
  });
});

/** Until the poll, the look of each minute and the hourly one all wait. */
async function waiting(clock: FakeClock): Promise<void> {
  while (clock.sleepers < 3) await settle();
}
