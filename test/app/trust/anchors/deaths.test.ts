// A server that is killed in each phase of a rotation: what was decided holds at the next start, and what was begun goes on.
import assert from 'node:assert/strict';
import { AnchorDrill } from '../../support/anchor-drill.ts';
import { ChildServer } from '../../support/child-server.ts';

describe('A server that is killed in each phase of a rotation', function () {
  this.timeout(240_000);
  let drill: AnchorDrill;
  let settings: Readonly<Record<string, unknown>>;
  let server: ChildServer;
  beforeEach(async () => {
    drill = await AnchorDrill.create();
    settings = drill.settingsIn('issuer');
    const { files, next } = drill;
    files.setAnchors(files.pki.root.certificatePem + next.root.certificatePem);
    server = await ChildServer.start(files, settings);
  });
  afterEach(async () => {
    await server[Symbol.asyncDispose]();
    drill[Symbol.dispose]();
  });

  /** As soon as the command has its answer: whatever follows of it is not done. */
  async function dies(): Promise<void> {
    await server.kill9();
    server = await ChildServer.start(drill.files, settings);
  }
  async function inAdopt(): Promise<void> {
    await drill.ask(server.tlsPort);
    await drill.start();
    await dies();
    assert.equal(await drill.phase(), 'publish');
    await drill.untilAll(server.tlsPort, { below: 'old', anchors: 'old,new' });
    const { code, error } = await drill.importNext(settings);
    assert.equal(code, 0, error);
    await drill.stepDone('advance');
    await dies();
    assert.equal(await drill.phase(), 'adopt');
    await drill.untilAll(server.tlsPort, { below: 'new', anchors: 'old,new' });
  }

  it('goes on to its end, and no leaf is off the record', async () => {
    await inAdopt();
    await drill.stepDone('retire');
    await dies();
    await drill.untilAll(server.tlsPort, { below: 'new', anchors: 'new' });
    await drill.untilPhase('done');
    await dies();
    assert.equal(await drill.phase(), 'done');
    await drill.untilAll(server.tlsPort, { below: 'new', anchors: 'new' });
    await server.stop();
    const recorded = drill.files.decisions().map((one) => (one.outcome === 'issued' ? one.serial : ''));
    assert.deepEqual(
      drill.serials.filter((serial) => !recorded.includes(serial)),
      [],
    );
  });

  it('goes back after an abort, and the new anchor leaves when nothing hangs on it', async () => {
    await inAdopt();
    await drill.stepDone('abort');
    await dies();
    assert.equal(await drill.phase(), 'aborted');
    await drill.untilAll(server.tlsPort, { below: 'old' });
    drill.files.setAnchors(drill.files.pki.root.certificatePem);
    await drill.untilAll(server.tlsPort, { below: 'old', anchors: 'old' });
  });
});
