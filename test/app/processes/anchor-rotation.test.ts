// The rotation of a trust anchor where several processes are one server: each of them publishes, adopts and lets go, whoever of them
// takes a connection, and what an operator does counts once.
import assert from 'node:assert/strict';
import type { OperationRecord } from '../../../src/ports/storage/operation-journal.ts';
import { eventually } from '../../support/eventually.ts';
import { AnchorDrill, WITHIN } from '../support/anchor-drill.ts';
import { RunningServer } from '../support/running-server.ts';
import { kill9, untilServing, workersOf } from '../support/several-processes.ts';

describe('A rotation of the trust anchor on a server of two processes', function () {
  this.timeout(240_000);
  let drill: AnchorDrill;
  let server: RunningServer;
  let settings: Readonly<Record<string, unknown>>;
  before(async () => {
    drill = await AnchorDrill.create();
    settings = { ...drill.settingsIn('issuer'), processes: 2 };
    server = await RunningServer.start({ files: drill.files, settings });
    await untilServing(drill.files, 2);
  });
  after(async () => {
    await server[Symbol.asyncDispose]();
    drill[Symbol.dispose]();
  });

  it('is done with what was prepared for it, in all of them, also when one is killed on the way', async () => {
    const { files } = drill;
    const port = server.tlsPort;
    await drill.ask(port, 'api');
    await drill.start();
    await drill.untilAll(port, { below: 'old', anchors: 'old,new' });

    const early = await drill.anchor(['advance', '--reason', 'too early']);
    assert.match(early.error, /CAP-O03 .*default\/sa\/api/s);
    assert.match(early.error, /issuer default has no certificate below the new trust anchor/);
    const unknown = await drill.importNext(settings);
    assert.match(unknown.error, /CAP-X03 .*is not signed by/, 'its root is in no file yet');
    files.setAnchors(files.pki.root.certificatePem + drill.next.root.certificatePem);
    const imported = await drill.importNext(settings);
    assert.match(
      imported.output,
      /^default keeps .* and signs when capstan anchor advance adopts that/,
      imported.error,
    );
    await drill.untilAll(port, { below: 'old', anchors: 'old,new' }, 'api');

    await drill.stepDone('advance');
    const first = workersOf(files).find(({ slot }) => slot === 1);
    await kill9(first?.pid ?? 0);
    await untilServing(files, 2);
    await drill.untilAll(port, { below: 'new', anchors: 'old,new' });
    const refused = await drill.anchor(['retire', '--reason', 'too early']);
    assert.match(refused.error, /CAP-O03 .*below the old trust anchor: .*default\/sa\/api \(pod api-0\)/s);
    await drill.untilAll(port, { below: 'new' }, 'api');

    await drill.stepDone('retire');
    for (const name of ['web', 'api']) await drill.untilAll(port, { below: 'new', anchors: 'new' }, name);
    await drill.untilPhase('done');
    files.setAnchors(drill.next.root.certificatePem);
    const ready = async (): Promise<boolean> => (await (await server.get('/readyz')).text()) === '{"ready":true}';
    await eventually('all is well', async () => (await ready()) || undefined, WITHIN);

    const { output } = await drill.run('journal', 'operations', '--data-dir', files.directory, '--output', 'json');
    const operations = (JSON.parse(output) as OperationRecord[]).map(({ operation, is }) => `${operation}: ${is}`);
    for (const step of STEPS)
      assert.equal(operations.filter((one) => one === step).length, 1, `${step} is on record once`);
  });
});

const STEPS = ['anchor advance: adopt', 'anchor finish: done', 'anchor retire: retire', 'anchor start: publish'];
